package cli

import (
	"slices"

	"github.com/spf13/pflag"

	"github.com/kigo-dev/kigo/client"
)

var favoriteCommands = []command{
	{name: "apps:favorites", short: "list the apps that you have marked as favorites", login: true, run: favoriteList, flags: jsonFlag},
	{name: "apps:favorites:add", short: "mark an app as a favorite", app: oneApp, login: true, run: favoriteAdd},
	{name: "apps:favorites:remove", short: "mark an app as a favorite no more", app: oneApp, login: true, run: favoriteRemove},
	{name: "notifications", short: "list notifications, of which this server sends none: see alerts and webhooks", app: maybeApp, login: true, run: notificationList, flags: func(fs *pflag.FlagSet) {
		fs.Bool("all", false, "not only those of the app")
		fs.Bool("read", false, "those that were read")
		fs.Bool("json", false, "print JSON")
	}},
}

func favoriteList(c *call) error {
	list, err := all[client.Favorite](c, "favorites")
	if err != nil {
		return err
	}
	if c.is("json") {
		return c.json(list)
	}
	c.header("Favorited Apps")
	for _, f := range list {
		c.println("%s", f.ResourceName)
	}
	return nil
}

// favorite finds the mark of the app; its place is below 0 when there is none.
func (c *call) favorite() (list []client.Favorite, at int, err error) {
	list, err = all[client.Favorite](c, "favorites")
	return list, slices.IndexFunc(list, func(f client.Favorite) bool { return f.ResourceName == c.app }), err
}

func favoriteAdd(c *call) error {
	c.begin("Adding %s to favorites", c.app)
	_, at, err := c.favorite()
	if err == nil && at >= 0 {
		err = sentence("%s is already a favorite app.", c.app)
	}
	if err == nil {
		err = c.send("POST", map[string]string{"resource_id": c.app, "type": "app"}, nil, "favorites")
	}
	return c.ended(err)
}

func favoriteRemove(c *call) error {
	c.begin("Removing %s from favorites", c.app)
	list, at, err := c.favorite()
	if err == nil && at < 0 {
		err = sentence("%s is not already a favorite app.", c.app)
	}
	if err == nil {
		err = c.send("DELETE", nil, nil, "favorites", list[at].ID)
	}
	return c.ended(err)
}

func notificationList(c *call) error {
	if c.app != "" && !c.is("all") {
		if _, err := c.api.App(c, c.app); err != nil {
			return err
		}
	}
	list, err := all[map[string]any](c, "user", "notifications")
	if err != nil {
		return err
	}
	if c.is("json") {
		return c.json(list)
	}
	more, none := "--read to view read notifications.", "No unread notifications"
	if c.app != "" && !c.is("all") {
		more, none = "--all to view notifications for all apps.", none+" on "+c.app
	}
	switch {
	case len(list) > 0:
		for _, n := range list {
			c.println("%v\n%v\n", n["title"], n["body"])
		}
	case c.is("read") && c.app != "" && !c.is("all"):
		c.println("You have no notifications on %s.\nRun kigo notifications --all to view notifications for all apps.", c.app)
	case c.is("read"):
		c.println("You have no notifications.")
	default:
		c.println("%s.\nRun kigo notifications %s", none, more)
	}
	return nil
}
