package cli

import (
	"fmt"
	"time"

	"github.com/kigo-dev/kigo/client"
)

// usageShow prints the dyno-hours of apps by month.
func usageShow(c *call) error {
	month := c.str("month")
	if month == "" && !c.is("all") {
		month = time.Now().UTC().Format("2006-01")
	}
	all, err := c.api.Usage(c, month)
	if err != nil {
		return err
	}
	if c.app != "" {
		var own []client.Usage
		for _, u := range all {
			if u.App.Name == c.app || u.App.ID == c.app {
				own = append(own, u)
			}
		}
		all = own
	}
	if c.is("json") {
		if all == nil {
			all = []client.Usage{}
		}
		return c.json(all)
	}
	if len(all) == 0 {
		c.println("No dyno has run in that time.")
		return nil
	}
	rows := make([][]string, len(all))
	for i, u := range all {
		rows[i] = []string{u.Month, u.App.Name, u.Type, u.Size, fmt.Sprintf("%.0f", u.Seconds), fmt.Sprintf("%.2f", u.Seconds/3600)}
	}
	c.table([]string{"month", "app", "type", "size", "seconds", "dyno-hours"}, rows)
	return nil
}
