package cli

import (
	"fmt"

	"github.com/kigo-dev/kigo/client"
)

// addonList lists add-ons, of an app or of all: a server without providers has none.
func addonList(c *call) error {
	path := []string{"addons"}
	if c.app != "" && !c.is("all") {
		path = []string{"apps", c.app, "addons"}
	}
	list, err := all[client.Addon](c, path...)
	switch {
	case err != nil:
		return err
	case c.is("json"):
		return c.json(list)
	case len(list) == 0 && len(path) > 1:
		c.println("No add-ons for app %s.", c.app)
	case len(list) == 0:
		c.println("No add-ons.")
	}
	for _, a := range list {
		c.println("%s", a)
	}
	return nil
}

// addonUsage shows what metered add-ons have used.
func addonUsage(c *call) error {
	of, path, doing := "app "+c.app, []string{"apps", c.app, "usage"}, "Gathering usage data"
	if c.app == "" {
		team, err := c.team()
		if err != nil {
			return usage(2, "Specify an app with --app or a team with --team")
		}
		of, path, doing = "team "+team, []string{"teams", team, "usage"}, doing+" for "+team
	}
	var used struct {
		Addons []addonMeters `json:"addons"`
		Apps   []struct {
			ID     string        `json:"id"`
			Addons []addonMeters `json:"addons"`
		} `json:"apps"`
	}
	c.begin("%s", doing)
	if err := c.ended(c.send("GET", nil, &used, path...)); err != nil {
		return err
	}
	c.println("")
	if len(used.Addons)+len(used.Apps) == 0 {
		c.println("No usage found for %s", of)
		return nil
	}
	c.addonMeters(c.app, used.Addons)
	for _, a := range used.Apps {
		c.addonMeters(a.ID, a.Addons)
	}
	return nil
}

// addonMeters is what one add-on has used of each thing that is metered.
type addonMeters struct {
	ID     string `json:"id"`
	Meters map[string]struct {
		Quantity float64 `json:"quantity"`
	} `json:"meters"`
}

func (c *call) addonMeters(app string, used []addonMeters) {
	if len(used) == 0 {
		return
	}
	var rows [][]string
	for _, a := range used {
		for label, m := range a.Meters {
			rows = append(rows, []string{a.ID, label, fmt.Sprint(m.Quantity)})
		}
	}
	c.header("Usage for %s", app)
	c.table([]string{"Add-on", "Meter", "Quantity"}, rows)
}
