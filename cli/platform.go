package cli

import (
	"cmp"
	"runtime"
	"slices"

	"github.com/kigo-dev/kigo/client"
)

func version(c *call) error {
	c.println("kigo/%s %s-%s %s", Version, runtime.GOOS, runtime.GOARCH, runtime.Version())
	return nil
}

func regions(c *call) error {
	all, err := c.api.Regions(c)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(r client.Region) bool {
		return c.is("private") && !r.PrivateCapable || c.is("common") && r.PrivateCapable
	})
	slices.SortFunc(all, func(a, b client.Region) int { return cmp.Compare(a.Name, b.Name) })
	if c.is("json") {
		return c.json(all)
	}
	rows := make([][]string, len(all))
	for i, r := range all {
		rows[i] = []string{r.Name, r.Description, "Common Runtime"}
		if r.PrivateCapable {
			rows[i][2] = "Private Spaces"
		}
	}
	c.table([]string{"ID", "Location", "Runtime"}, rows)
	return nil
}

func stacks(c *call) error {
	app, err := c.api.App(c, c.app)
	if err != nil {
		return err
	}
	all, err := c.api.Stacks(c)
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b client.Stack) int { return cmp.Compare(a.Name, b.Name) })
	c.header("%s Available Stacks", app.Name)
	for _, s := range all {
		switch s.Name {
		case app.Stack.Name:
			c.println("* %s", s.Name)
		case app.BuildStack.Name:
			c.println("  %s (active on next deploy)", s.Name)
		default:
			c.println("  %s", s.Name)
		}
	}
	return nil
}

func stacksSet(c *call) error {
	stack := c.arg(0)
	c.begin("Setting stack to %s", stack)
	app, err := c.api.UpdateApp(c, c.app, client.AppChange{BuildStack: &stack})
	if err != nil {
		return err
	}
	c.done("done")
	if app.Stack.Name != app.BuildStack.Name {
		c.println("You will need to redeploy %s for the change to take effect.", c.app)
		c.println("Run git push heroku main to trigger a new build on %s.", c.app)
	}
	return nil
}

func maintenance(c *call) error {
	app, err := c.api.App(c, c.app)
	if err != nil {
		return err
	}
	if app.Maintenance {
		c.println("on")
	} else {
		c.println("off")
	}
	return nil
}

func maintenanceOn(c *call) error  { return c.setMaintenance("Enabling", true) }
func maintenanceOff(c *call) error { return c.setMaintenance("Disabling", false) }

func (c *call) setMaintenance(doing string, on bool) error {
	c.begin("%s maintenance mode for %s", doing, c.app)
	_, err := c.api.UpdateApp(c, c.app, client.AppChange{Maintenance: &on})
	return c.ended(err)
}
