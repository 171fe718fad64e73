package cli

import (
	"strconv"

	"github.com/kigo-dev/kigo/client"
)

func egressList(c *call) error {
	all, err := c.api.EgressRules(c, c.app)
	if err != nil {
		return err
	}
	if c.is("json") {
		return c.json(all)
	}
	c.header("%s Egress", c.app)
	for _, r := range all {
		by := ""
		if r.Origin != "" {
			by = "  (" + r.Origin + ")"
		}
		c.println("%-5s  %s%s", r.Action, egressTarget(r), by)
	}
	c.println("The rest: the public internet is open, private ranges are closed.")
	return nil
}

func egressTarget(r client.EgressRule) string {
	if r.Port == 0 {
		return r.Target
	}
	return r.Target + ":" + strconv.Itoa(r.Port)
}

func egressAllow(c *call) error { return c.setEgress("Allowing", "allow") }
func egressDeny(c *call) error  { return c.setEgress("Denying", "deny") }

func (c *call) setEgress(doing, action string) error {
	c.begin("%s %s to reach %s", doing, c.app, c.arg(0))
	_, err := c.api.SetEgressRule(c, c.app, action, c.arg(0))
	return c.ended(err)
}

func egressRemove(c *call) error {
	c.begin("Removing the rule of %s for %s", c.app, c.arg(0))
	_, err := c.api.RemoveEgressRule(c, c.app, c.arg(0))
	return c.ended(err)
}

func isolation(c *call) error {
	ask, which := c.api.Isolation, c.app
	if team := c.str("team"); team != "" {
		ask, which = c.api.TeamIsolation, team
	} else if which == "" {
		return usage(2, "Specify an app with --app, or a team with --team")
	}
	i, err := ask(c, which)
	if err != nil {
		return err
	}
	c.println("%s", i.Class)
	return nil
}

func isolationSet(c *call) error {
	if team := c.str("team"); team != "" {
		c.begin("Isolating dynos of the apps of %s as %s from their next start on", team, c.arg(0))
		return c.ended(c.api.SetTeamIsolation(c, team, c.arg(0)))
	}
	if c.app == "" {
		return usage(2, "Specify an app with --app, or a team with --team")
	}
	c.begin("Isolating dynos of %s as %s from their next start on", c.app, c.arg(0))
	return c.ended(c.api.SetIsolation(c, c.app, c.arg(0)))
}
