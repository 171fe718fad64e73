package cli

import (
	"regexp"
	"strings"

	"github.com/spf13/pflag"

	"github.com/kigo-dev/kigo/client"
)

var transferCommands = []command{
	{name: "apps:join", aliases: []string{"join"}, short: "work on an app of a team that you are in", app: oneApp, login: true, run: appsJoin},
	{name: "apps:leave", aliases: []string{"leave"}, short: "work on an app no more", app: oneApp, login: true, run: appsLeave},
	{name: "apps:lock", aliases: []string{"lock"}, short: "let no more members of the team join an app", app: oneApp, login: true, run: appsLock},
	{name: "apps:unlock", aliases: []string{"unlock"}, short: "let members of the team join an app", app: oneApp, login: true, run: appsUnlock},
	{name: "apps:transfer", args: "RECIPIENT", short: "give an app to an account or a team", app: oneApp, login: true, run: appsTransfer, flags: func(fs *pflag.FlagSet) {
		fs.BoolP("locked", "l", false, "let no members of the team join it")
		confirmFlag(fs)
	}},
	{name: "apps:transfers", short: "list the apps that are offered to you, or that you offer", login: true, run: transferList},
	{name: "apps:transfers:accept", args: "APP", short: "take an app that is offered to you", login: true, run: transferAccept},
	{name: "apps:transfers:decline", args: "APP", short: "turn an offer of an app down, or take yours back", login: true, run: transferDecline},
}

func appsJoin(c *call) error {
	c.begin("Joining %s", c.app)
	me, err := c.api.Account(c)
	if err == nil {
		err = c.send("POST", map[string]string{"user": me.Email}, nil, "teams", "apps", c.app, "collaborators")
	}
	return c.ended(err)
}

func appsLeave(c *call) error {
	me, err := c.api.Account(c)
	if err != nil {
		return err
	}
	return c.act("Leaving "+c.app, "DELETE", nil, "apps", c.app, "collaborators", me.Email)
}

func appsLock(c *call) error {
	app, err := get[client.TeamApp](c, "teams", "apps", c.app)
	if err != nil {
		return err
	}
	if app.Locked {
		return sentence("Error: cannot lock %s.\nThis app is already locked.", app.Name)
	}
	return c.act("Locking "+app.Name, "PATCH", map[string]bool{"locked": true}, "teams", "apps", app.Name)
}

func appsUnlock(c *call) error {
	app, err := get[client.TeamApp](c, "teams", "apps", c.app)
	if err != nil {
		return err
	}
	if !app.Locked {
		return usage(1, "cannot unlock %s\nThis app is not locked.", app.Name)
	}
	return c.act("Unlocking "+app.Name, "PATCH", map[string]bool{"locked": false}, "teams", "apps", app.Name)
}

var emailForm = regexp.MustCompile(`^[^\s@]+@[^\s@]+\.[^\s@]+$`)

// appsTransfer offers an app to a person, or gives it to a team or away from one.
func appsTransfer(c *call) error {
	to := c.arg(0)
	app, err := c.api.App(c, c.app)
	if err != nil {
		return err
	}
	person, ofTeam := emailForm.MatchString(to), strings.HasSuffix(app.Owner.Email, "@herokumanager.com")
	if person && ofTeam {
		if err := c.confirm(app.Name, "All collaborators will be removed from this app"); err != nil {
			return err
		}
	}
	if person && !ofTeam {
		c.begin("Initiating transfer of %s to %s", app.Name, to)
		var t client.AppTransfer
		if err := c.send("POST", map[string]string{"app": app.Name, "recipient": to}, &t, "account", "app-transfers"); err != nil {
			return err
		}
		if t.State == "pending" {
			c.done("offered")
			c.println("%s takes it with kigo apps:transfers:accept %s", to, app.Name)
		} else {
			c.done("done")
		}
	} else if err := c.act("Transferring "+app.Name+" to "+to, "PATCH", map[string]string{"owner": to}, "teams", "apps", app.Name); err != nil {
		return err
	}
	if !c.is("locked") {
		return nil
	}
	c.app = app.Name
	return appsLock(c)
}

func (c *call) transfers() ([]client.AppTransfer, error) {
	return all[client.AppTransfer](c, "account", "app-transfers")
}

func transferList(c *call) error {
	list, err := c.transfers()
	if err != nil {
		return err
	}
	if len(list) == 0 {
		c.println("No app is offered to you, and you offer none.")
		return nil
	}
	rows := make([][]string, len(list))
	for i, t := range list {
		rows[i] = []string{t.App.Name, t.Owner.Email, t.Recipient.Email, t.State}
	}
	c.table([]string{"App", "From", "To", "State"}, rows)
	return nil
}

// settle finds the open offer of an app and says what became of it.
func (c *call) settle(doing, state string) error {
	list, err := c.transfers()
	if err != nil {
		return err
	}
	for _, t := range list {
		if t.State != "pending" || t.App.Name != c.arg(0) && t.ID != c.arg(0) {
			continue
		}
		if me, err := c.api.Account(c); err != nil {
			return err
		} else if state == "declined" && t.Owner.Email == me.Email {
			return c.act("Taking back the offer of "+t.App.Name, "DELETE", nil, "account", "app-transfers", t.ID)
		}
		return c.act(doing+" "+t.App.Name, "PATCH", map[string]string{"state": state}, "account", "app-transfers", t.ID)
	}
	return sentence("There is no open offer of %s: kigo apps:transfers lists them.", c.arg(0))
}

func transferAccept(c *call) error  { return c.settle("Taking", "accepted") }
func transferDecline(c *call) error { return c.settle("Declining", "declined") }
