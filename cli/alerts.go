package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/kigo-dev/kigo/client"
)

func alertsList(c *call) error {
	all, err := c.api.Alerts(c, c.app)
	if err != nil {
		return err
	}
	if c.is("json") {
		return c.json(all)
	}
	if len(all) == 0 {
		c.println("%s has no alerts. Make one with: kigo alerts:add response-time --above 500 --email you@example.com", c.app)
		return nil
	}
	rows := [][]string{{"NAME", "STATE", "WATCHES", "NOW", "TELLS"}}
	for _, a := range all {
		state := a.State
		if a.Since != nil {
			state += " since " + a.Since.Local().Format("Jan 2 15:04")
		}
		now := "-"
		if a.Value != nil {
			now = fmt.Sprintf("%.4g %s", *a.Value, a.Unit)
		}
		rows = append(rows, []string{a.Name, state, watches(a), now, tells(a)})
	}
	c.columns(rows)
	for _, a := range all {
		if a.Undelivered > 0 && a.Failure != nil {
			c.warn("%d messages of %s could not be delivered yet: %s", a.Undelivered, a.Name, *a.Failure)
		}
	}
	return nil
}

func watches(a client.Alert) string {
	what := a.Metric
	if a.Process != nil {
		what += " of " + *a.Process
	}
	d, err := time.ParseDuration(a.For)
	if err != nil {
		return what
	}
	return fmt.Sprintf("%s above %g %s for %g min", what, a.Above, a.Unit, d.Minutes())
}

func tells(a client.Alert) string {
	all := a.Emails
	if a.Webhook != nil {
		all = append(all[:len(all):len(all)], *a.Webhook)
	}
	return strings.Join(all, ", ")
}

func alertAdd(c *call) error {
	above, err := strconv.ParseFloat(c.str("above"), 64)
	if err != nil {
		return usage(2, "--above %q: say a number, such as --above 500", c.str("above"))
	}
	n := client.NewAlert{Metric: c.arg(0), Name: c.str("name"), Process: c.str("process-type"), Above: above,
		For: c.str("for"), Remind: c.str("remind"), Webhook: c.str("webhook")}
	if n.Emails, err = c.flags.GetStringSlice("email"); err != nil {
		return err
	}
	if c.changed("clear") {
		limit, err := strconv.ParseFloat(c.str("clear"), 64)
		if err != nil {
			return usage(2, "--clear %q: say a number, such as --clear 400", c.str("clear"))
		}
		n.Clear = &limit
	}
	a, err := c.api.AddAlert(c, c.app, n)
	if err != nil {
		return err
	}
	c.println("Added alert %s: %s, over at %g %s", a.Name, watches(a), a.Clear, a.Unit)
	if a.Secret != nil {
		c.warn("The secret that signs messages to the webhook is not shown again.")
		c.println("%s", *a.Secret)
	}
	return nil
}

func alertRemove(c *call) error {
	a, err := c.api.RemoveAlert(c, c.app, c.arg(0))
	if err == nil {
		c.println("Removed alert %s", a.Name)
	}
	return err
}
