package cli

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/kigo-dev/kigo/client"
)

func webhookFlags(fs *pflag.FlagSet) {
	fs.StringP("include", "i", "", "kinds of events, such as api:release,dyno")
	fs.StringP("level", "l", "", "notify: tell once; sync: tell until it is taken")
	fs.StringP("url", "u", "", "address to tell")
	fs.StringP("secret", "s", "", "secret to sign with; by default one is made")
	fs.StringP("authorization", "t", "", "value of the header Authorization")
}

var webhookCommands = []command{
	{name: "webhooks", short: "list the webhooks of an app", app: oneApp, login: true, run: webhookList},
	{name: "webhooks:add", short: "tell an address what happens to an app", app: oneApp, login: true, run: webhookAdd, flags: webhookFlags},
	{name: "webhooks:info", args: "ID", short: "show a webhook", app: oneApp, login: true, run: webhookInfo},
	{name: "webhooks:remove", args: "ID", short: "end a webhook", app: oneApp, login: true, run: webhookRemove},
	{name: "webhooks:update", args: "ID", short: "change a webhook", app: oneApp, login: true, run: webhookUpdate, flags: webhookFlags},
	{name: "webhooks:deliveries", short: "list what was delivered to the webhooks of an app", app: oneApp, login: true, run: deliveryList, flags: func(fs *pflag.FlagSet) {
		fs.StringP("status", "s", "", "only these: pending, scheduled, retrying, failed or succeeded")
	}},
	{name: "webhooks:deliveries:info", args: "ID", short: "show a delivery with what was told", app: oneApp, login: true, run: deliveryInfo},
	{name: "webhooks:events", short: "list the events that webhooks are told of", app: oneApp, login: true, run: webhookEventList},
	{name: "webhooks:events:info", args: "ID", short: "show an event", app: oneApp, login: true, run: webhookEventInfo},
}

func webhookList(c *call) error {
	list, err := all[client.Webhook](c, "apps", c.app, "webhooks")
	if err != nil {
		return err
	}
	if len(list) == 0 {
		c.println("%s has no webhooks\nUse  $ kigo webhooks:add  to add one.", c.app)
		return nil
	}
	slices.SortStableFunc(list, func(a, b client.Webhook) int { return a.CreatedAt.Compare(b.CreatedAt) })
	rows := make([][]string, len(list))
	for i, w := range list {
		rows[i] = []string{w.ID, w.URL, strings.Join(w.Include, ","), w.Level}
	}
	c.table([]string{"Webhook ID", "URL", "Include", "Level"}, rows)
	return nil
}

// webhookBody is what the flags say; include, level and url must be given.
func (c *call) webhookBody() (map[string]any, error) {
	body := map[string]any{}
	var missing []string
	for _, f := range []string{"include", "level", "url"} {
		if c.str(f) == "" {
			missing = append(missing, "  Missing required flag "+f)
		}
		body[f] = c.str(f)
	}
	if len(missing) > 0 {
		return nil, usage(2, "The following errors occurred:\n%s\nSee more help with --help", strings.Join(missing, "\n"))
	}
	var include []string
	for s := range strings.SplitSeq(c.str("include"), ",") {
		include = append(include, strings.TrimSpace(s))
	}
	body["include"] = include
	for _, f := range []string{"secret", "authorization"} {
		if v := c.str(f); v != "" {
			body[f] = v
		}
	}
	return body, nil
}

func webhookAdd(c *call) error {
	body, err := c.webhookBody()
	if err != nil {
		return err
	}
	c.begin("Adding webhook to %s", c.app)
	secret, err := c.api.AddWebhook(c, c.app, body)
	if err := c.ended(err); err != nil {
		return err
	}
	if secret == "" {
		c.warn("no secret found")
		return nil
	}
	c.header("Webhooks Signing Secret")
	c.println("%s", secret)
	return nil
}

func webhookInfo(c *call) error {
	w, err := get[client.Webhook](c, "apps", c.app, "webhooks", c.arg(0))
	if err != nil {
		return err
	}
	c.header("%s", w.ID)
	c.object([]pair{one("Include", strings.Join(w.Include, ",")), one("Level", w.Level), one("URL", w.URL), one("Webhook ID", w.ID)})
	return nil
}

func webhookRemove(c *call) error {
	return c.act("Removing webhook "+c.arg(0)+" from "+c.app, "DELETE", nil, "apps", c.app, "webhooks", c.arg(0))
}

func webhookUpdate(c *call) error {
	body, err := c.webhookBody()
	if err != nil {
		return err
	}
	return c.act("Updating webhook "+c.arg(0)+" for "+c.app, "PATCH", body, "apps", c.app, "webhooks", c.arg(0))
}

func deliveryList(c *call) error {
	path := client.Path("apps", c.app, "webhook-deliveries")
	if s := c.str("status"); s != "" {
		path += "?eq[status]=" + url.QueryEscape(s)
	}
	list, err := client.All[client.WebhookDelivery](c, c.api, path)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		c.println("%s has no deliveries", c.app)
		return nil
	}
	slices.SortStableFunc(list, func(a, b client.WebhookDelivery) int { return a.CreatedAt.Compare(b.CreatedAt) })
	rows := make([][]string, len(list))
	for i, d := range list {
		code, class := lastAttempt(d)
		rows[i] = []string{d.ID, d.CreatedAt.UTC().Format(time.RFC3339), d.Status, d.Event.Include, d.Webhook.Level, strconv.Itoa(d.NumAttempts), code, class, nextAttempt(d)}
	}
	c.table([]string{"Delivery ID", "Created", "Status", "Include", "Level", "Attempts", "Code", "Error", "Next Attempt"}, rows)
	return nil
}

func lastAttempt(d client.WebhookDelivery) (code, class string) {
	if d.LastAttempt == nil {
		return "", ""
	}
	if d.LastAttempt.Code != nil {
		code = strconv.Itoa(*d.LastAttempt.Code)
	}
	return code, deref(d.LastAttempt.ErrorClass)
}

func nextAttempt(d client.WebhookDelivery) string {
	if d.NextAttemptAt == nil {
		return ""
	}
	return d.NextAttemptAt.UTC().Format(time.RFC3339)
}

func deliveryInfo(c *call) error {
	d, err := get[client.WebhookDelivery](c, "apps", c.app, "webhook-deliveries", c.arg(0))
	if err != nil {
		return err
	}
	e, err := get[client.WebhookEvent](c, "apps", c.app, "webhook-events", d.Event.ID)
	if err != nil {
		return err
	}
	pairs := []pair{
		one("Created", d.CreatedAt.UTC().Format(time.RFC3339)), one("Event", d.Event.ID), one("Webhook", d.Webhook.ID), one("Status", d.Status),
		one("Include", d.Event.Include), one("Level", d.Webhook.Level), one("Attempts", strconv.Itoa(d.NumAttempts)),
	}
	code, class := lastAttempt(d)
	for _, p := range []pair{one("Code", code), one("Error", class), one("Next Attempt", nextAttempt(d))} {
		if p.values[0] != "" {
			pairs = append(pairs, p)
		}
	}
	c.header("%s", d.ID)
	c.object(pairs)
	c.header("Event Payload")
	return c.json(e.Payload)
}

const eventsDeprecated = "kigo webhooks:event%s is deprecated, please use kigo webhooks:deliveries%s"

func webhookEventList(c *call) error {
	c.warn(eventsDeprecated, "", "")
	list, err := all[client.WebhookEvent](c, "apps", c.app, "webhook-events")
	if err != nil {
		return err
	}
	if len(list) == 0 {
		c.println("%s has no events", c.app)
		return nil
	}
	slices.SortStableFunc(list, func(a, b client.WebhookEvent) int { return a.CreatedAt.Compare(b.CreatedAt) })
	rows := make([][]string, len(list))
	for i, e := range list {
		var told struct {
			Resource    string `json:"resource"`
			Action      string `json:"action"`
			PublishedAt string `json:"published_at"`
		}
		if err := json.Unmarshal(e.Payload, &told); err != nil {
			return sentence("The server's event %s is not what an event should be: %v", e.ID, err)
		}
		rows[i] = []string{e.ID, told.Resource, told.Action, told.PublishedAt}
	}
	c.table([]string{"Event ID", "Resource", "Action", "Published At"}, rows)
	return nil
}

func webhookEventInfo(c *call) error {
	c.warn(eventsDeprecated, ":info", ":info")
	e, err := get[client.WebhookEvent](c, "apps", c.app, "webhook-events", c.arg(0))
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, e.Payload, "", "  "); err != nil {
		return sentence("The server's event %s is not what an event should be: %v", e.ID, err)
	}
	c.header("%s", e.ID)
	c.object([]pair{one("payload", b.String())})
	return nil
}
