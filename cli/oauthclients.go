package cli

import (
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"github.com/kigo-dev/kigo/client"
)

var oauthClientCommands = []command{
	{name: "clients", short: "list your OAuth clients", login: true, run: oauthClientList, flags: jsonFlag},
	{name: "clients:create", args: "NAME REDIRECT_URI", short: "make an OAuth client: a program that people can let act for them", login: true, run: oauthClientCreate, flags: shellFlags},
	{name: "clients:destroy", args: "ID", short: "remove an OAuth client", login: true, run: oauthClientDestroy},
	{name: "clients:info", args: "ID", short: "show an OAuth client", login: true, run: oauthClientInfo, flags: shellFlags},
	{name: "clients:rotate", args: "ID", short: "replace an OAuth client's secret", login: true, run: oauthClientRotate, flags: shellFlags},
	{name: "clients:update", args: "ID", short: "change an OAuth client", login: true, run: oauthClientUpdate, flags: func(fs *pflag.FlagSet) {
		fs.StringP("name", "n", "", "another name")
		fs.String("url", "", "another address to redirect to")
	}},
	{name: "sessions", short: "list your OAuth sessions", login: true, run: sessionList, flags: jsonFlag},
	{name: "sessions:destroy", args: "ID", short: "end an OAuth session", login: true, run: sessionDestroy},
}

func oauthClientList(c *call) error {
	list, err := all[client.OAuthClient](c, "oauth", "clients")
	if err != nil {
		return err
	}
	slices.SortStableFunc(list, func(a, b client.OAuthClient) int { return compareText(a.Name, b.Name) })
	switch {
	case c.is("json"):
		return c.json(list)
	case len(list) == 0:
		c.println("No OAuth clients.")
		return nil
	}
	rows := make([][]string, len(list))
	for i, o := range list {
		rows[i] = []string{o.Name, o.ID, o.RedirectURI}
	}
	c.table([]string{"name", "id", "redirect_uri"}, rows)
	return nil
}

// checkRedirect refuses what is no address of a web page.
func checkRedirect(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return sentence("Invalid URL: %s", address)
	}
	return nil
}

func oauthClientCreate(c *call) error {
	if err := checkRedirect(c.arg(1)); err != nil {
		return err
	}
	c.begin("Creating %s", c.arg(0))
	var o client.OAuthClient
	err := c.send("POST", map[string]string{"name": c.arg(0), "redirect_uri": c.arg(1)}, &o, "oauth", "clients")
	if err := c.ended(err); err != nil {
		return err
	}
	if c.is("json") {
		return c.json(o)
	}
	c.oauthVariables(o)
	return nil
}

func (c *call) oauthVariables(o client.OAuthClient) {
	c.println("HEROKU_OAUTH_ID=%s\nHEROKU_OAUTH_SECRET=%s", o.ID, o.Secret)
}

func oauthClientDestroy(c *call) error {
	return c.act("Destroying "+c.arg(0), "DELETE", nil, "oauth", "clients", c.arg(0))
}

func oauthClientInfo(c *call) error {
	o, err := get[client.OAuthClient](c, "oauth", "clients", c.arg(0))
	if err != nil {
		return err
	}
	return c.oauthClient(o)
}

func oauthClientRotate(c *call) error {
	c.begin("Updating %s", c.arg(0))
	var o client.OAuthClient
	if err := c.ended(c.send("POST", nil, &o, "oauth", "clients", c.arg(0), "actions", "rotate-credentials")); err != nil {
		return err
	}
	return c.oauthClient(o)
}

func (c *call) oauthClient(o client.OAuthClient) error {
	switch {
	case c.is("json"):
		return c.json(o)
	case c.is("shell"):
		c.oauthVariables(o)
		return nil
	}
	c.header("%s", o.Name)
	pairs := []pair{one("created_at", o.CreatedAt.UTC().Format(time.RFC3339)), one("id", o.ID)}
	if o.IgnoresDelinquent != nil {
		pairs = append(pairs, one("ignores_delinquent", strconv.FormatBool(*o.IgnoresDelinquent)))
	}
	c.object(append(pairs, one("name", o.Name), one("redirect_uri", o.RedirectURI), one("secret", o.Secret), one("updated_at", o.UpdatedAt.UTC().Format(time.RFC3339))))
	return nil
}

func oauthClientUpdate(c *call) error {
	body := map[string]string{}
	if n := c.str("name"); n != "" {
		body["name"] = n
	}
	if u := c.str("url"); u != "" {
		if err := checkRedirect(u); err != nil {
			return err
		}
		body["redirect_uri"] = u
	}
	if len(body) == 0 {
		return usage(2, "No changes provided.")
	}
	return c.act("Updating "+c.arg(0), "PATCH", body, "oauth", "clients", c.arg(0))
}

func sessionList(c *call) error {
	list, err := all[client.Session](c, "oauth", "sessions")
	if err != nil {
		return err
	}
	slices.SortStableFunc(list, func(a, b client.Session) int { return compareText(a.Description, b.Description) })
	switch {
	case c.is("json"):
		return c.json(list)
	case len(list) == 0:
		c.println("No OAuth sessions.")
		return nil
	}
	rows := make([][]string, len(list))
	for i, s := range list {
		rows[i] = []string{s.Description, s.ID}
	}
	c.table([]string{"Description", "ID"}, rows)
	return nil
}

func sessionDestroy(c *call) error {
	return c.act("Destroying "+c.arg(0), "DELETE", nil, "oauth", "sessions", c.arg(0))
}
