package cli

import (
	"fmt"
	"slices"
	"time"

	"github.com/kigo-dev/kigo/client"
)

// builds, builds:info and the rest are the commands of Heroku's builds plugin.

func buildsList(c *call) error {
	n, err := c.number("num")
	if err != nil {
		return err
	}
	if n == 0 {
		n = 15
	}
	builds, err := c.api.Builds(c, c.app, client.ListOptions{Desc: true, Max: n})
	switch {
	case err != nil:
		return err
	case c.is("json"):
		return c.json(builds)
	case len(builds) == 0:
		c.println("%s has no builds.", c.app)
		return nil
	}
	var rows [][]string
	for _, b := range builds {
		version := ""
		if v := b.SourceBlob.Version; v != nil {
			version = *v
		}
		took := ""
		if b.Status != "pending" {
			took = b.UpdatedAt.Sub(b.CreatedAt).Round(time.Second).String()
		}
		rows = append(rows, []string{b.ID, b.Status, version[:min(8, len(version))], b.User.Email, ago(b.CreatedAt), took})
	}
	c.header("%s Builds", c.app)
	c.table([]string{"id", "status", "version", "user", "created_at", "took"}, rows)
	return nil
}

// build finds the build that an argument names: the newest without one.
func (c *call) build(id string) (client.Build, error) {
	if id != "" {
		return c.api.Build(c, c.app, id)
	}
	newest, err := c.api.Builds(c, c.app, client.ListOptions{Desc: true, Max: 1})
	if err != nil {
		return client.Build{}, err
	}
	if len(newest) == 0 {
		return client.Build{}, usage(1, "%s has no builds.", c.app)
	}
	return newest[0], nil
}

func buildsInfo(c *call) error {
	b, err := c.build(c.arg(0))
	if err != nil {
		return err
	}
	if c.is("json") {
		return c.json(b)
	}
	pairs := []pair{one("By", b.User.Email), one("When", b.CreatedAt.UTC().Format(time.RFC3339)), one("Status", b.Status), one("Stack", b.Stack)}
	var packs []string
	for _, p := range b.Buildpacks {
		packs = append(packs, cutURN(p.URL))
	}
	pairs = append(pairs, pair{"Buildpacks", packs})
	if b.Release != nil {
		r, err := c.api.Release(c, c.app, b.Release.ID)
		if err != nil {
			return err
		}
		pairs = append(pairs, one("Release", fmt.Sprintf("v%d", r.Version)))
	}
	if v := b.SourceBlob.Version; v != nil {
		pairs = append(pairs, one("Version", *v))
	}
	pairs = slices.DeleteFunc(pairs, func(p pair) bool { return len(p.values) == 0 })
	c.header("Build %s", b.ID)
	c.object(pairs)
	return nil
}

func buildsOutput(c *call) error {
	b, err := c.build(c.arg(0))
	if err != nil {
		return err
	}
	return c.showOutput(b.OutputStreamURL, "The build has not started yet. Please try again in a few seconds.")
}

func buildsCancel(c *call) error {
	b, err := c.build(c.arg(0))
	if err != nil {
		return err
	}
	if b.Status != "pending" {
		return usage(1, "Build %s has ended already: it %s.", b.ID, b.Status)
	}
	c.begin("Stopping build %s on %s", b.ID, c.app)
	_, err = c.api.CancelBuild(c, c.app, b.ID)
	return c.ended(err)
}

func cachePurge(c *call) error {
	if err := c.confirm(c.app, "This will remove what earlier builds of "+c.app+" have kept: the next one takes longer."); err != nil {
		return err
	}
	c.begin("Removing the build cache of %s", c.app)
	return c.ended(c.api.PurgeBuildCache(c, c.app))
}

func releasesRetry(c *call) error {
	r, err := c.release("")
	if err != nil {
		return err
	}
	types, err := c.api.Formation(c, c.app)
	if err != nil {
		return err
	}
	if r.Slug == nil || !slices.ContainsFunc(types, func(f client.Formation) bool { return f.Type == "release" }) {
		return usage(2, "App must have a release-phase command to use this command.")
	}
	c.begin("Retrying v%d on %s", r.Version, c.app)
	again, err := c.api.CreateRelease(c, c.app, r.Slug.ID, fmt.Sprintf("Retry of v%d: %s", r.Version, r.Description))
	if err != nil {
		return err
	}
	c.done("done, v%d", again.Version)
	if again.OutputStreamURL == nil {
		return nil
	}
	c.println("Running release command...")
	return c.showOutput(*again.OutputStreamURL, "Release command starting. Use `kigo releases:output` to view the log.")
}
