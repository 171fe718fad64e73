package cli

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/kigo-dev/kigo/client"
)

var authorizationCommands = []command{
	{name: "authorizations", short: "list your tokens: OAuth authorizations", login: true, run: authorizationList, flags: jsonFlag},
	{name: "authorizations:create", short: "make a token", login: true, run: authorizationCreate, flags: func(fs *pflag.FlagSet) {
		jsonFlag(fs)
		fs.StringP("description", "d", "", "what it is for")
		fs.StringP("expires-in", "e", "", "seconds until it ends; by default never")
		fs.StringP("scope", "s", "", "global, identity, read, write, read-protected, write-protected: some of them, divided by commas")
		fs.BoolP("short", "S", false, "print only the token")
	}},
	{name: "authorizations:info", args: "ID", short: "show a token's authorization", login: true, run: authorizationInfo, flags: jsonFlag},
	{name: "authorizations:revoke", aliases: []string{"authorizations:destroy"}, args: "ID", short: "end a token", login: true, run: authorizationRevoke},
	{name: "authorizations:rotate", args: "ID", short: "replace a token by a new one", login: true, run: authorizationRotate},
	{name: "authorizations:update", args: "ID", short: "change what a token is said to be for", login: true, run: authorizationUpdate, flags: func(fs *pflag.FlagSet) {
		fs.StringP("description", "d", "", "what it is for")
		fs.String("client-id", "", "OAuth client that it shall belong to")
		fs.String("client-secret", "", "that client's secret")
	}},
}

func authorizationList(c *call) error {
	list, err := c.api.Authorizations(c)
	if err != nil {
		return err
	}
	slices.SortStableFunc(list, func(a, b client.Authorization) int { return compareText(a.Description, b.Description) })
	switch {
	case c.is("json"):
		return c.json(list)
	case len(list) == 0:
		c.println("No OAuth authorizations.")
		return nil
	}
	rows := make([][]string, len(list))
	for i, a := range list {
		rows[i] = []string{a.Description, a.ID, strings.Join(a.Scope, ",")}
	}
	c.table([]string{"Description", "ID", "Scope"}, rows)
	return nil
}

func authorizationCreate(c *call) error {
	n := client.NewAuthorization{Description: c.str("description")}
	if c.changed("expires-in") {
		seconds, err := c.number("expires-in")
		if err != nil {
			return err
		}
		n.ExpiresIn = &seconds
	}
	if s := c.str("scope"); s != "" {
		n.Scope = strings.Split(s, ",")
	}
	c.begin("Creating OAuth Authorization")
	a, err := c.api.CreateAuthorization(c, n)
	if err := c.ended(err); err != nil {
		return err
	}
	switch {
	case c.is("short") && a.AccessToken != nil:
		c.println("%s", a.AccessToken.Token)
		return nil
	case c.is("json"):
		return c.json(a)
	}
	c.authorization(a)
	return nil
}

func authorizationInfo(c *call) error {
	a, err := c.api.Authorization(c, c.arg(0))
	if err != nil {
		return err
	}
	if c.is("json") {
		return c.json(a)
	}
	c.authorization(a)
	return nil
}

func authorizationRevoke(c *call) error {
	c.begin("Revoking OAuth Authorization")
	a, err := c.api.RevokeAuthorization(c, c.arg(0))
	if err != nil {
		return err
	}
	c.done("done, revoked authorization from %s", a.Description)
	return nil
}

func authorizationRotate(c *call) error {
	c.begin("Rotating OAuth Authorization")
	a, err := c.api.RotateAuthorization(c, c.arg(0))
	if err := c.ended(err); err != nil {
		return err
	}
	c.authorization(a)
	return nil
}

func authorizationUpdate(c *call) error {
	id, secret := c.str("client-id"), c.str("client-secret")
	if (id == "") != (secret == "") {
		return usage(2, "The following error occurred:\n  --client-id and --client-secret must be given together\nSee more help with --help")
	}
	body := map[string]any{}
	if c.changed("description") {
		body["description"] = c.str("description")
	}
	if id != "" {
		body["client"] = map[string]string{"id": id, "secret": secret}
	}
	c.begin("Updating OAuth Authorization")
	var a client.Authorization
	if err := c.ended(c.send("PATCH", body, &a, "oauth", "authorizations", c.arg(0))); err != nil {
		return err
	}
	c.authorization(a)
	return nil
}

// authorization shows one; times are in the words of the official command line.
func (c *call) authorization(a client.Authorization) {
	pairs := []pair{one("Client", "<none>")}
	if a.Client != nil {
		pairs = []pair{one("Client", a.Client.Name), one("Redirect URI", a.Client.RedirectURI)}
	}
	pairs = append(pairs, one("ID", a.ID), one("Description", a.Description), one("Scope", strings.Join(a.Scope, ",")))
	if t := a.AccessToken; t != nil {
		pairs = append(pairs, one("Token", t.Token))
		if t.ExpiresIn != nil && *t.ExpiresIn > 0 {
			end := time.Now().Add(time.Duration(*t.ExpiresIn) * time.Second)
			pairs = append(pairs, one("Expires at", longTime(end)+" (in "+roughly(time.Until(end))+")"))
		}
		pairs = append(pairs, one("Updated at", longTime(a.UpdatedAt)+" ("+roughly(time.Since(a.UpdatedAt))+" ago)"))
	}
	c.object(pairs)
}
