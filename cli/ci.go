package cli

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/kigo-dev/kigo/client"
)

func pipelineFlag(fs *pflag.FlagSet) {
	fs.StringP("pipeline", "p", "", "the pipeline; by default that of the app")
}

var ciCommands = []command{
	{name: "ci:config", short: "show the config vars of tests of a pipeline", app: maybeApp, login: true, run: ciConfig, flags: func(fs *pflag.FlagSet) {
		pipelineFlag(fs)
		fs.Bool("json", false, "print JSON")
		fs.BoolP("shell", "s", false, "print lines that a shell can read")
	}},
	{name: "ci:config:get", args: "KEY", short: "print one config var of tests", app: maybeApp, login: true, run: ciConfigGet, flags: func(fs *pflag.FlagSet) {
		pipelineFlag(fs)
		fs.BoolP("shell", "s", false, "print a line that a shell can read")
	}},
	{name: "ci:config:set", args: "KEY=VALUE...", short: "set config vars of tests", app: maybeApp, login: true, run: ciConfigSet, flags: pipelineFlag},
	{name: "ci:config:unset", args: "KEY...", short: "remove config vars of tests", app: maybeApp, login: true, run: ciConfigUnset, flags: pipelineFlag},
}

// testPipeline is the pipeline of --pipeline, or that of the app.
func (c *call) testPipeline() (p client.Pipeline, err error) {
	if name := c.str("pipeline"); name != "" {
		return c.pipeline(name)
	}
	if c.app == "" {
		return p, usage(2, "Required flag:  --pipeline PIPELINE or --app APP")
	}
	place, err := c.api.PipelineCoupling(c, c.app)
	if client.IsNotFound(err) {
		err = usage(2, "No pipeline found with application %s", c.app)
	}
	return client.Pipeline{ID: place.Pipeline.ID, Name: place.Pipeline.Name}, err
}

func (c *call) testConfig(p client.Pipeline) (map[string]string, error) {
	return get[map[string]string](c, "pipelines", p.ID, "stage", "test", "config-vars")
}

func ciConfig(c *call) error {
	p, err := c.testPipeline()
	if err != nil {
		return err
	}
	vars, err := c.testConfig(p)
	switch {
	case err != nil:
		return err
	case c.is("json"):
		return c.json(vars)
	case c.is("shell"):
		for _, v := range configPairs(vars) {
			c.println("%s=%s", v.key, quoteConfig(v.values[0]))
		}
		return nil
	}
	c.header("%s test config vars", p.Name)
	c.object(configPairs(vars))
	return nil
}

func ciConfigGet(c *call) error {
	p, err := c.testPipeline()
	if err != nil {
		return err
	}
	vars, err := c.testConfig(p)
	if err != nil {
		return err
	}
	value, set := vars[c.arg(0)]
	switch {
	case c.is("shell"):
		c.println("%s=%s", c.arg(0), quoteConfig(value))
	case set:
		c.println("%s", value)
	default:
		c.println("undefined")
	}
	return nil
}

func ciConfigSet(c *call) error {
	if len(c.args) == 0 {
		return usage(1, "Usage: kigo ci:config:set KEY1 [KEY2 ...]\nMust specify KEY to set.")
	}
	change := map[string]*string{}
	var names []string
	var set []pair
	for _, a := range c.args {
		k, v, ok := strings.Cut(a, "=")
		if !ok {
			return usage(1, "%s is invalid. Must be in the format FOO=bar.", a)
		}
		if change[k] == nil {
			names = append(names, k)
		}
		change[k] = &v
	}
	if err := c.changeTestConfig("Setting "+strings.Join(names, ", "), change); err != nil {
		return err
	}
	slices.Sort(names)
	for _, k := range names {
		set = append(set, one(k, *change[k]))
	}
	c.object(set)
	return nil
}

func ciConfigUnset(c *call) error {
	if len(c.args) == 0 {
		return usage(1, "Usage: kigo ci:config:unset KEY1 [KEY2 ...]\nMust specify KEY to unset.")
	}
	change := map[string]*string{}
	for _, k := range c.args {
		change[k] = nil
	}
	return c.changeTestConfig("Unsetting "+strings.Join(c.args, ", "), change)
}

func (c *call) changeTestConfig(doing string, change map[string]*string) error {
	p, err := c.testPipeline()
	if err != nil {
		return err
	}
	return c.act(doing, "PATCH", change, "pipelines", p.ID, "stage", "test", "config-vars")
}
