package cli

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kigo-dev/kigo/client"
)

func psList(c *call) error {
	dynos, err := c.api.Dynos(c, c.app)
	if err != nil {
		return err
	}
	if len(c.args) > 0 {
		for _, typ := range c.args {
			if !slices.ContainsFunc(dynos, func(d client.Dyno) bool { return d.Type == typ }) {
				return sentence("No %s dynos on %s", typ, c.app)
			}
		}
		dynos = slices.DeleteFunc(dynos, func(d client.Dyno) bool { return !slices.Contains(c.args, d.Type) })
	}
	slices.SortFunc(dynos, func(a, b client.Dyno) int { return cmp.Compare(a.Name, b.Name) })
	switch {
	case c.is("json"):
		return c.json(dynos)
	case len(dynos) == 0:
		c.println("No dynos on %s", c.app)
		return nil
	}
	c.oneOffs(dynos)
	c.formation(dynos)
	return nil
}

func (c *call) oneOffs(dynos []client.Dyno) {
	var runs []client.Dyno
	for _, d := range dynos {
		if d.Type == "run" {
			runs = append(runs, d)
		}
	}
	if len(runs) == 0 {
		return
	}
	slices.SortStableFunc(runs, byNumber)
	c.header("run: one-off processes (%d)", len(runs))
	for _, d := range runs {
		c.println("%s (%s): %s %s: %s", d.Name, d.Size, d.State, ago(d.UpdatedAt), d.Command)
	}
	c.println("")
}

// formation prints the other dynos, those with the same command together.
func (c *call) formation(dynos []client.Dyno) {
	var commands []string
	groups := make(map[string][]client.Dyno)
	for _, d := range dynos {
		if d.Type == "run" {
			continue
		}
		if groups[d.Command] == nil {
			commands = append(commands, d.Command)
		}
		groups[d.Command] = append(groups[d.Command], d)
	}
	for _, command := range commands {
		group := groups[command]
		slices.SortStableFunc(group, byNumber)
		c.header("%s (%s): %s (%d)", group[0].Type, group[0].Size, command, len(group))
		for _, d := range group {
			c.println("%s: %s %s", d.Name, d.State, ago(d.UpdatedAt))
		}
		c.println("")
	}
}

func byNumber(a, b client.Dyno) int { return cmp.Compare(dynoNumber(a.Name), dynoNumber(b.Name)) }

func dynoNumber(name string) int {
	_, number, _ := strings.Cut(name, ".")
	n, _ := strconv.Atoi(number)
	return n
}

// ago is a time with how long it is past, unless that is more than a day.
func ago(t time.Time) string {
	s := t.Local().Format("2006/01/02 15:04:05 -0700")
	switch d := time.Since(t); {
	case d < time.Minute:
		return fmt.Sprintf("%s (~ %ds ago)", s, max(0, int(d.Seconds())))
	case d < time.Hour:
		return fmt.Sprintf("%s (~ %dm ago)", s, int(d.Minutes()))
	case d < 25*time.Hour:
		return fmt.Sprintf("%s (~ %dh ago)", s, int(d.Hours()))
	}
	return s
}

func psRestart(c *call) error {
	dyno, typ, err := c.target()
	if err != nil {
		return err
	}
	switch {
	case typ != "":
		c.begin("Restarting all %s dynos on %s", typ, c.app)
		err = c.api.RestartType(c, c.app, typ)
	case dyno != "":
		c.begin("Restarting dyno %s on %s", dyno, c.app)
		err = c.api.RestartDyno(c, c.app, dyno)
	default:
		c.begin("Restarting all dynos on %s", c.app)
		err = c.api.RestartDynos(c, c.app)
	}
	return c.ended(err)
}

func psStop(c *call) error {
	dyno, typ, err := c.target()
	if err != nil {
		return err
	}
	switch {
	case typ != "":
		c.begin("Stopping all %s dynos on %s", typ, c.app)
		err = c.api.StopType(c, c.app, typ)
	case dyno != "":
		c.begin("Stopping dyno %s on %s", dyno, c.app)
		err = c.api.StopDyno(c, c.app, dyno)
	default:
		return usage(2, "Please specify a process type or dyno name to stop.\nSee more help with --help\n")
	}
	return c.ended(err)
}

// target is what a restart or a stop is meant for.
func (c *call) target() (dyno, typ string, err error) {
	dyno, typ = c.str("dyno-name"), c.str("process-type")
	if dyno != "" && typ != "" {
		return "", "", errors.New("--process-type=" + typ + " cannot also be provided when using --dyno-name")
	}
	if name := c.arg(0); name != "" && typ == "" && dyno == "" {
		c.warn("DYNO is a deprecated argument. Use --dyno-name or --process-type instead.")
		dyno = name
	}
	return dyno, typ, nil
}

// ended ends an action with "done", or passes the error on.
func (c *call) ended(err error) error {
	if err == nil {
		c.done("done")
	}
	return err
}

// psWait waits until every dyno runs the newest release.
func psWait(c *call) error {
	interval, err := c.number("wait-interval")
	if err != nil {
		return err
	}
	newest, err := c.api.Releases(c, c.app, client.ListOptions{Desc: true, Max: 1})
	if err != nil {
		return err
	}
	if len(newest) == 0 {
		return usage(1, "App %s has no releases", c.app)
	}
	began := false
	for {
		dynos, err := c.api.Dynos(c, c.app)
		if err != nil {
			return err
		}
		ready, all := 0, 0
		for _, d := range dynos {
			if d.Type == "release" || d.Type == "run" && !c.is("with-run") || c.str("type") != "" && d.Type != c.str("type") {
				continue
			}
			all++
			if d.Release.Version >= newest[0].Version && d.State == "up" {
				ready++
			}
		}
		if !began && ready < all {
			c.begin("Waiting for every dyno to be running v%d", newest[0].Version)
			began = true
		}
		if ready == all {
			if began {
				c.done("%d / %d, done", ready, all)
			}
			return nil
		}
		if err := pause(c, time.Duration(max(interval, 1))*time.Second); err != nil {
			return err
		}
	}
}
