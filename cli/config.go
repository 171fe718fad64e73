package cli

import (
	"maps"
	"slices"
	"strings"

	"github.com/kigo-dev/kigo/client"
)

func configList(c *call) error {
	vars, err := c.api.ConfigVars(c, c.app)
	if err != nil {
		return err
	}
	switch {
	case c.is("json"):
		return c.json(vars)
	case c.is("shell"):
		for _, k := range slices.Sorted(maps.Keys(vars)) {
			c.println("%s=%s", k, quoteConfig(vars[k]))
		}
		return nil
	}
	c.header("%s Config Vars", c.app)
	c.object(configPairs(vars))
	return nil
}

func configPairs(vars map[string]string) []pair {
	var pairs []pair
	for _, k := range slices.Sorted(maps.Keys(vars)) {
		pairs = append(pairs, one(k, vars[k]))
	}
	return pairs
}

func configGet(c *call) error {
	if len(c.args) == 0 {
		return usage(2, "Missing 1 required arg:\nKEY  key name of the config var value\nSee more help with --help")
	}
	vars, err := c.api.ConfigVars(c, c.app)
	if err != nil {
		return err
	}
	type answer struct {
		Key   string  `json:"key"`
		Value *string `json:"value"`
	}
	var answers []answer
	for _, k := range c.args {
		v, ok := vars[k]
		switch {
		case c.is("json") && ok:
			answers = append(answers, answer{k, &v})
		case c.is("json"):
			answers = append(answers, answer{Key: k})
		case c.is("shell"):
			c.println("%s=%s", k, quoteConfig(v))
		default:
			c.println("%s", v)
		}
	}
	switch len(answers) {
	case 0:
		return nil
	case 1:
		return c.json(answers[0])
	}
	return c.json(answers)
}

func configSet(c *call) error {
	if len(c.args) == 0 {
		return usage(1, "Usage: kigo config:set KEY1=VALUE1 [KEY2=VALUE2 ...]\nMust specify KEY and VALUE to set.")
	}
	change := make(map[string]*string)
	var names []string
	for _, a := range c.args {
		k, v, ok := strings.Cut(a, "=")
		if !ok {
			return usage(1, "%s is invalid. Must be in the format FOO=bar.", a)
		}
		change[k] = &v
		names = append(names, k)
	}
	c.begin("Setting %s and restarting %s", strings.Join(names, ", "), c.app)
	vars, err := c.api.SetConfigVars(c, c.app, change)
	if err != nil {
		return err
	}
	if err := c.doneWithRelease(); err != nil {
		return err
	}
	maps.DeleteFunc(vars, func(k, _ string) bool { return change[k] == nil || *change[k] == "" })
	c.object(configPairs(vars))
	return nil
}

func configUnset(c *call) error {
	if len(c.args) == 0 {
		return usage(2, "Usage: kigo config:unset KEY1 [KEY2 ...]\nMust specify KEY to unset.")
	}
	change := make(map[string]*string)
	for _, k := range c.args {
		change[k] = nil
	}
	c.begin("Unsetting %s and restarting %s", strings.Join(c.args, ", "), c.app)
	if _, err := c.api.SetConfigVars(c, c.app, change); err != nil {
		return err
	}
	return c.doneWithRelease()
}

// doneWithRelease ends an action with the version of the newest release.
func (c *call) doneWithRelease() error {
	newest, err := c.api.Releases(c, c.app, client.ListOptions{Desc: true, Max: 1})
	if err != nil {
		return err
	}
	if len(newest) == 0 {
		c.done("done")
		return nil
	}
	c.done("done, v%d", newest[0].Version)
	return nil
}
