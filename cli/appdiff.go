package cli

import (
	"maps"
	"slices"
	"strconv"

	"github.com/kigo-dev/kigo/client"
)

// difference is one thing that two apps do not have in common.
type difference struct {
	Property string `json:"property"`
	First    string `json:"first"`
	Second   string `json:"second"`
}

// side is what is compared of an app.
type side struct {
	slug, stack string
	config      map[string]string
	buildpacks  []string
	features    []string
}

func (c *call) side(app string) (s side, err error) {
	a, err := c.api.App(c, app)
	if client.IsNotFound(err) {
		return s, sentence("App not found: %s", app)
	}
	if err != nil {
		return s, err
	}
	s.stack = a.Stack.Name
	releases, err := c.api.Releases(c, app, client.ListOptions{Desc: true, Max: 1})
	if err != nil {
		return s, err
	}
	if len(releases) > 0 && releases[0].Slug != nil {
		slug, err := get[client.Slug](c, "apps", app, "slugs", releases[0].Slug.ID)
		if err != nil {
			return s, err
		}
		s.slug = deref(slug.Checksum)
	}
	if s.config, err = c.api.ConfigVars(c, app); err != nil {
		return s, err
	}
	packs, err := c.api.BuildpackInstallations(c, app)
	if err != nil {
		return s, err
	}
	for _, p := range packs {
		s.buildpacks = append(s.buildpacks, p.Buildpack.URL)
	}
	features, err := c.api.AppFeatures(c, app)
	for _, f := range features {
		if f.Enabled {
			s.features = append(s.features, f.Name)
		}
	}
	return s, err
}

// differences compares two apps: slug, config vars, stack, buildpacks and features.
func differences(a, b side) []difference {
	out := []difference{}
	add := func(property, first, second string) {
		if first != second {
			out = append(out, difference{property, first, second})
		}
	}
	add("slug (checksum)", a.slug, b.slug)
	every := maps.Clone(a.config)
	if every == nil {
		every = map[string]string{}
	}
	maps.Copy(every, b.config)
	for _, k := range slices.Sorted(maps.Keys(every)) {
		add("config ("+k+")", a.config[k], b.config[k])
	}
	add("stack", a.stack, b.stack)
	for i := range max(len(a.buildpacks), len(b.buildpacks)) {
		var first, second string
		if i < len(a.buildpacks) {
			first = a.buildpacks[i]
		}
		if i < len(b.buildpacks) {
			second = b.buildpacks[i]
		}
		add("buildpack ("+strconv.Itoa(i)+")", first, second)
	}
	for _, f := range a.features {
		if !slices.Contains(b.features, f) {
			add("feature ("+f+")", "enabled", "disabled")
		}
	}
	for _, f := range b.features {
		if !slices.Contains(a.features, f) {
			add("feature ("+f+")", "disabled", "enabled")
		}
	}
	return out
}

// appsDiff shows what two apps do not have in common.
func appsDiff(c *call) error {
	a, err := c.side(c.arg(0))
	if err != nil {
		return err
	}
	b, err := c.side(c.arg(1))
	if err != nil {
		return err
	}
	found := differences(a, b)
	if c.is("json") {
		return c.json(found)
	}
	short := func(s string) string {
		if r := []rune(s); len(r) > 56 {
			return string(r[:56]) + "..."
		}
		return s
	}
	rows := make([][]string, len(found))
	for i, d := range found {
		rows[i] = []string{short(d.First), d.Property, short(d.Second)}
	}
	c.println("\n")
	c.table([]string{c.arg(0), "property", c.arg(1)}, rows)
	c.println("\n")
	return nil
}
