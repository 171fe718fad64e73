package cli

import (
	"bufio"
	"cmp"
	"fmt"
	"net/url"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kigo-dev/kigo/client"
)

func appsList(c *call) error {
	if team, _ := c.team(); team != "" && !c.is("personal") {
		return c.appsOfTeam(team)
	}
	apps, err := c.api.Apps(c)
	if err != nil {
		return err
	}
	me, err := c.api.Account(c)
	if err != nil {
		return err
	}
	slices.SortFunc(apps, func(a, b client.App) int { return cmp.Compare(a.Name, b.Name) })
	mine, others := []client.App{}, []client.App{}
	for _, a := range apps {
		if a.Owner.Email == me.Email {
			mine = append(mine, a)
		} else {
			others = append(others, a)
		}
	}
	if !c.is("all") {
		apps, others = mine, nil
	}
	switch {
	case c.is("json"):
		return c.json(apps)
	case len(apps) == 0:
		c.println("You have no apps.")
		return nil
	}
	if len(mine) > 0 {
		c.header("%s Apps", me.Email)
		for _, a := range mine {
			c.println("%s", appWithRegion(a))
		}
	}
	if len(others) > 0 {
		c.println("")
		rows := make([][]string, len(others))
		for i, a := range others {
			rows[i] = []string{appWithRegion(a), a.Owner.Email}
		}
		c.println("Collaborated Apps\n")
		c.table([]string{"Name", "Email"}, rows)
	}
	return nil
}

func (c *call) appsOfTeam(team string) error {
	apps, err := all[client.TeamApp](c, "teams", team, "apps")
	if err != nil {
		return err
	}
	slices.SortFunc(apps, func(a, b client.TeamApp) int { return cmp.Compare(a.Name, b.Name) })
	switch {
	case c.is("json"):
		return c.json(apps)
	case len(apps) == 0:
		c.println("There are no apps in team %s.", team)
		return nil
	}
	c.header("Apps in team %s", team)
	for _, a := range apps {
		name := appWithRegion(a.App)
		if a.Locked {
			name = strings.Replace(name, a.Name, a.Name+" [locked]", 1)
		}
		c.println("%s", name)
	}
	return nil
}

func appWithRegion(a client.App) string {
	if a.Region.Name == "us" || a.Region.Name == "" {
		return a.Name
	}
	return a.Name + " (" + a.Region.Name + ")"
}

func appsCreate(c *call) error {
	name := c.app
	if name == "" {
		name = c.arg(0)
	}
	if name == "" {
		c.begin("Creating app")
	} else {
		c.begin("Creating %s", name)
	}
	n := client.NewApp{Name: name, Region: c.str("region"), Stack: c.str("stack")}
	var app client.App
	var err error
	if team, _ := c.team(); team != "" {
		app, err = c.api.CreateTeamApp(c, team, n)
	} else {
		app, err = c.api.CreateApp(c, n)
	}
	if err != nil {
		return err
	}
	status := "done"
	if name == "" {
		status += ", " + app.Name
	}
	if c.str("region") != "" {
		status += ", region is " + app.Region.Name
	}
	if c.str("stack") != "" {
		status += ", stack is " + app.Stack.Name
	}
	c.done("%s", status)
	if b := c.str("buildpack"); b != "" {
		c.begin("Setting buildpack to %s", b)
		if _, err := c.api.SetBuildpacks(c, app.Name, []string{b}); err != nil {
			return err
		}
		c.done("done")
	}
	if !c.is("no-remote") && c.inRepository() {
		if err := c.addRemote(cmp.Or(c.str("remote"), "heroku"), app.Name); err != nil {
			return err
		}
	}
	if c.is("json") {
		return c.json(app)
	}
	c.println("%s | %s", app.WebURL, c.env.gitURL(app.Name))
	return nil
}

func appsRename(c *call) error {
	name := c.arg(0)
	c.begin("Renaming %s to %s", c.app, name)
	app, err := c.api.UpdateApp(c, c.app, client.AppChange{Name: &name})
	if err != nil {
		return err
	}
	c.done("done")
	c.println("%s | %s", app.WebURL, c.env.gitURL(app.Name))
	for _, r := range c.remotes() {
		if r.app == c.app {
			if _, err := c.git("remote", "set-url", r.name, c.env.gitURL(app.Name)); err != nil {
				return err
			}
			c.println("Git remote %s updated", r.name)
		}
	}
	c.warn("Don't forget to update git remotes for all other local checkouts of the app.")
	return nil
}

func appsDestroy(c *call) error {
	name := c.arg(0)
	if name == "" {
		name = c.app
	}
	if name == "" {
		return sentence("No app specified.\nUSAGE: kigo apps:destroy APPNAME")
	}
	if _, err := c.api.App(c, name); err != nil {
		return err
	}
	if err := c.confirm(name, "This will delete "+name+" including all add-ons."); err != nil {
		return err
	}
	c.begin("Destroying %s (including all add-ons)", name)
	if _, err := c.api.DestroyApp(c, name); err != nil {
		return err
	}
	for _, r := range c.remotes() {
		if r.app == name {
			if _, err := c.git("remote", "rm", r.name); err != nil {
				return err
			}
		}
	}
	c.done("done")
	return nil
}

// confirm asks the user to type the app's name, or compares --confirm with it.
func (c *call) confirm(app, warning string) error {
	typed := c.str("confirm")
	if typed != "" {
		if typed != app {
			return sentence("Confirmation %s did not match %s. Aborted.", typed, app)
		}
		return nil
	}
	c.warn("WARNING: Destructive Action")
	c.warn("%s", warning)
	fmt.Fprintf(c.err, "To proceed, type %s or re-run this command with --confirm %s\n> ", app, app)
	line, _ := bufio.NewReader(c.in).ReadString('\n')
	if typed = strings.TrimSpace(line); typed != app {
		return sentence("Confirmation did not match %s. Aborted.", app)
	}
	return nil
}

func appsOpen(c *call) error {
	app, err := c.api.App(c, c.app)
	if err != nil {
		return err
	}
	base, err := url.Parse(app.WebURL)
	if err != nil {
		return fmt.Errorf("read the app's address: %w", err)
	}
	where, err := base.Parse(c.arg(0))
	if err != nil {
		return usage(1, "%s is not a path", c.arg(0))
	}
	c.println("Opening %s...", where)
	if err := exec.CommandContext(c, "xdg-open", where.String()).Run(); err != nil {
		return fmt.Errorf("open a browser: %w; open the address by hand", err)
	}
	return nil
}

func appsInfo(c *call) error {
	name := c.arg(0)
	if name == "" {
		name = c.app
	}
	if name == "" {
		return sentence("No app specified.\nUSAGE: kigo apps:info --app my-app")
	}
	app, err := c.api.App(c, name)
	if err != nil {
		return err
	}
	addons, err := c.api.Addons(c, name)
	if err != nil {
		return err
	}
	dynos, err := c.api.Dynos(c, name)
	if err != nil {
		return err
	}
	people, err := c.api.Collaborators(c, name)
	if err != nil {
		return err
	}
	var place *client.PipelineCoupling
	if p, err := c.api.PipelineCoupling(c, name); err == nil {
		place = &p
	} else if !client.IsNotFound(err) {
		return err
	}
	if c.is("json") {
		return c.json(map[string]any{"addons": addons, "app": app, "collaborators": people, "dynos": dynos, "pipeline_coupling": place})
	}
	emails := []string{}
	for _, p := range people {
		if p.User.Email != app.Owner.Email {
			emails = append(emails, p.User.Email)
		}
	}
	slices.Sort(emails)
	if c.is("shell") {
		c.appShell(app, emails, dynos, place)
		return nil
	}
	c.header("%s", app.Name)
	count := countDynos(dynos)
	if len(dynos) == 0 {
		count = []string{" "} // Heroku's own prints the name alone, where other empty values are quoted
	}
	c.object(append(appPairs(app, emails, place), pair{"Dynos", count}, one("Stack", stackOf(app))))
	return nil
}

func appPairs(app client.App, emails []string, place *client.PipelineCoupling) []pair {
	pairs := []pair{{"Addons", nil}, {"Collaborators", emails}}
	if app.ArchivedAt != nil {
		pairs = append(pairs, one("Archived At", app.ArchivedAt.Format(time.RFC3339)))
	}
	if place != nil {
		pairs = append(pairs, one("Pipeline", place.Pipeline.Name+" - "+place.Stage))
	}
	return append(pairs,
		one("Auto Cert Mgmt", strconv.FormatBool(app.ACM)), one("Git URL", app.GitURL), one("Web URL", app.WebURL),
		one("Repo Size", fileSize(app.RepoSize)), one("Slug Size", fileSize(app.SlugSize)),
		one("Owner", app.Owner.Email), one("Region", app.Region.Name))
}

func stackOf(app client.App) string {
	if app.BuildStack.Name != app.Stack.Name {
		return app.Stack.Name + " (next build will use " + app.BuildStack.Name + ")"
	}
	return app.Stack.Name
}

// countDynos says how many dynos there are of each type, in order of appearance.
func countDynos(dynos []client.Dyno) []string {
	var types []string
	count := make(map[string]int)
	for _, d := range dynos {
		if count[d.Type]++; count[d.Type] == 1 {
			types = append(types, d.Type)
		}
	}
	for i, t := range types {
		types[i] = fmt.Sprintf("%s: %d", t, count[t])
	}
	return []string{strings.Join(types, ", ")}
}

func (c *call) appShell(app client.App, emails []string, dynos []client.Dyno, place *client.PipelineCoupling) {
	c.println("auto_cert_mgmt=%t\naddons=\ncollaborators=%s", app.ACM, strings.Join(emails, ","))
	if place != nil {
		c.println("pipeline=%s:%s", place.Pipeline.Name, place.Stage)
	}
	c.println("git_url=%s\nweb_url=%s", app.GitURL, app.WebURL)
	c.println("repo_size=%s\nslug_size=%s", fileSize(app.RepoSize), fileSize(app.SlugSize))
	count := strings.Join(countDynos(dynos), "")
	if count != "" {
		count = " " + count + " "
	}
	c.println("owner=%s\nregion=%s\ndynos={%s}\nstack=%s", app.Owner.Email, app.Region.Name, count, app.Stack.Name)
}

// fileSize rounds to whole units of 1,024.
func fileSize(n *int64) string {
	if n == nil {
		return "0 B"
	}
	size, unit := float64(*n), 0
	for units := len("BKMGT"); size >= 1024 && unit < units-1; unit++ {
		size /= 1024
	}
	return fmt.Sprintf("%.0f %s", size, [...]string{"B", "KB", "MB", "GB", "TB"}[unit])
}
