package api

import (
	"strings"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/store"
)

func (c *call) serializeAlert(a kigo.Alert) client.Alert {
	out := client.Alert{
		App: appRef(c.app), ID: a.ID, Name: a.Name, Metric: a.Rule.Metric, Unit: kigo.AlertMetrics[a.Rule.Metric], Process: optional(a.Rule.Process),
		Above: a.Rule.Above, Clear: a.Rule.Clear, For: a.Rule.For.String(), Emails: a.Target.Emails, State: "ok",
		CreatedAt: second(a.CreatedAt), UpdatedAt: second(a.UpdatedAt),
	}
	if out.Emails == nil {
		out.Emails = []string{}
	}
	if a.Rule.Remind > 0 {
		out.Remind = optional(a.Rule.Remind.String())
	}
	if a.Target.Webhook != "" {
		out.Webhook = optional(kigo.MaskURL(a.Target.Webhook))
	}
	if a.State.Known {
		value := a.State.Value
		out.Value = &value
	}
	if a.State.Firing {
		out.State, out.Since = "firing", optional(second(a.State.Since))
	}
	out.Undelivered, out.Failure = len(a.State.Outbox), optional(a.State.Failed)
	return out
}

func alertList(c *call) (reply, error) {
	var all []kigo.Alert
	err := c.view(func(tx *store.Tx) (err error) {
		all, err = tx.Alerts(c.app.ID)
		return err
	})
	if err != nil {
		return reply{}, err
	}
	return page(c, all, each(c.serializeAlert), textKey("name", func(a kigo.Alert) string { return a.Name }))
}

func alertCreate(c *call) (reply, error) {
	var in struct {
		Name    *string   `json:"name"`
		Metric  *string   `json:"metric"`
		Process *string   `json:"process"`
		Above   *float64  `json:"above"`
		Clear   *float64  `json:"clear"`
		For     *string   `json:"for"`
		Remind  *string   `json:"remind"`
		Emails  *[]string `json:"emails"`
		Webhook *string   `json:"webhook"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if in.Above == nil {
		return reply{}, kigo.Invalid("above is required: the threshold, such as 500.")
	}
	a := kigo.Alert{App: c.app.ID, Name: value(in.Name), Rule: kigo.AlertRule{Metric: value(in.Metric), Process: value(in.Process), Above: *in.Above}}
	if a.Name == "" {
		a.Name = a.Rule.Metric
	}
	if in.Clear != nil {
		a.Rule.Clear = *in.Clear
	}
	var err error
	if a.Rule.For, err = alertTime("for", in.For); err != nil {
		return reply{}, err
	}
	if a.Rule.Remind, err = alertTime("remind", in.Remind); err != nil {
		return reply{}, err
	}
	if in.Emails != nil {
		for _, e := range *in.Emails {
			a.Target.Emails = append(a.Target.Emails, strings.TrimSpace(e))
		}
	}
	a.Target.Webhook = value(in.Webhook)
	made, err := ctrl(c).AddAlert(c.ctx(), c.actor, a)
	if err != nil {
		return reply{}, err
	}
	out := c.serializeAlert(made)
	out.Secret = optional(made.Target.Secret)
	return created(out), nil
}

func alertTime(name string, text *string) (time.Duration, error) {
	if value(text) == "" || *text == "0" {
		return 0, nil
	}
	d, err := time.ParseDuration(*text)
	if err != nil || d < 0 {
		return 0, kigo.Invalid("%s is %.40q: say a time such as 5m or 2h.", name, *text)
	}
	return d, nil
}

func alertDelete(c *call) (reply, error) {
	a, err := ctrl(c).RemoveAlert(c.ctx(), c.actor, c.app.ID, c.param("alert"))
	return ok(c.serializeAlert(a)), err
}
