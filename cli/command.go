package cli

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/kigo-dev/kigo/client"
)

// command is one row of the table.
type command struct {
	name    string
	aliases []string
	args    string // as shown in help: capitals for a required one, brackets for an optional one
	short   string
	app     need
	login   bool // needs a token
	raw     bool // what follows the flags is a command of the dyno's and keeps its own flags
	stream  bool // what it prints is a stream or a file and never JSON
	flags   func(*pflag.FlagSet)
	run     func(*call) error
}

// need says what a command wants to know about the app.
type need int

const (
	noApp need = iota
	maybeApp
	oneApp
)

func (c command) takesArgs() bool { return c.args != "" }

// call is one command being run.
type call struct {
	context.Context
	terminal
	cmd     command
	answers bool // --json is the server's answer
	flags   *pflag.FlagSet
	args    []string
	env     environment
	api     *client.Client
	folder  string // where git runs; empty: the present folder
	app     string // empty when the command needs none, or may do without
}

func parse(cmd command, args []string) (*call, error) {
	fs := pflag.NewFlagSet(cmd.name, pflag.ContinueOnError)
	fs.SortFlags = false
	fs.Usage = func() {}
	if cmd.app != noApp {
		fs.StringP("app", "a", "", "app to run the command against [env: KIGO_APP, HEROKU_APP]")
		fs.StringP("remote", "r", "", "git remote of the app")
	}
	if cmd.flags != nil {
		cmd.flags(fs)
	}
	c := &call{cmd: cmd, flags: fs, answers: cmd.answerFlag(fs)}
	if cmd.raw {
		var own []string
		own, args = ownFlags(fs, args)
		if err := fs.Parse(own); err != nil {
			return nil, flagError(fs, err)
		}
		c.args = args
		return c, nil
	}
	if err := fs.Parse(args); err != nil {
		return nil, flagError(fs, err)
	}
	c.args = fs.Args()
	return c, nil
}

// ownFlags parts our flags from a dyno's command line: ours may stand anywhere
// before "--", and what we do not know belongs to the command.
func ownFlags(fs *pflag.FlagSet, args []string) (own, rest []string) {
	for i := 0; i < len(args); i++ {
		a := args[i]
		if a == "--" {
			return own, append(rest, args[i+1:]...)
		}
		name, _, valued := strings.Cut(strings.TrimLeft(a, "-"), "=")
		var f *pflag.Flag
		switch {
		case strings.HasPrefix(a, "--"):
			f = fs.Lookup(name)
		case strings.HasPrefix(a, "-") && len(name) == 1:
			f = fs.ShorthandLookup(name)
		}
		if f == nil {
			rest = append(rest, a)
			continue
		}
		own = append(own, a)
		if !valued && f.NoOptDefVal == "" && i+1 < len(args) {
			i++
			own = append(own, args[i])
		}
	}
	return own, rest
}

// flagError says what the official CLI says.
func flagError(fs *pflag.FlagSet, err error) error {
	var missing *pflag.ValueRequiredError
	var unknown *pflag.NotExistError
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return err
	case errors.As(err, &missing):
		return usage(2, "Flag --%s expects a value", missing.GetFlag().Name)
	case errors.As(err, &unknown):
		dashes := "--"
		if len(unknown.GetSpecifiedName()) == 1 {
			dashes = "-"
		}
		hint := ""
		if near := nearestFlag(fs, unknown.GetSpecifiedName()); near != "" {
			hint = "\nDid you mean --" + near + "?"
		}
		return usage(2, "Nonexistent flag: %s%s%s\nSee more help with --help", dashes, unknown.GetSpecifiedName(), hint)
	}
	return usage(2, "%v", err)
}

// prepare finds the server, the token and the app that the command needs.
func (c *call) prepare() error {
	if err := c.countArgs(); err != nil {
		return err
	}
	var err error
	if c.env, err = loadEnvironment(os.Getenv); err != nil {
		return err
	}
	if c.api, err = c.env.client(); err != nil {
		return err
	}
	c.api.OnWarning = func(w string) { c.warn("%s", w) }
	if c.cmd.app != noApp {
		if c.app, err = c.findApp(); err != nil {
			return err
		}
	}
	if c.cmd.login && c.env.token == "" {
		return usage(100, "not logged in")
	}
	return nil
}

// countArgs checks the number of arguments against the usage text.
func (c *call) countArgs() error {
	if c.cmd.raw || strings.Contains(c.cmd.args, "...") {
		return nil
	}
	words := strings.Fields(c.cmd.args)
	for i, w := range words {
		if !strings.HasPrefix(w, "[") && i >= len(c.args) {
			return usage(2, "Missing 1 required arg:\n%s\nSee more help with --help", w)
		}
	}
	if len(c.args) > len(words) {
		return usage(2, "Unexpected argument: %s\nSee more help with --help", c.args[len(words)])
	}
	return nil
}

func (c *call) arg(i int) string {
	if i < len(c.args) {
		return c.args[i]
	}
	return ""
}

// is and str read a flag, which the command declared.
func (c *call) is(flag string) bool { v, _ := c.flags.GetBool(flag); return v }

func (c *call) str(flag string) string { v, _ := c.flags.GetString(flag); return v }

// number reads a flag that holds a whole number; 0 when it was not given.
func (c *call) number(flag string) (int, error) {
	s := c.str(flag)
	if s == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0, usage(2, "Parsing --%s\n\tExpected an integer but received: %s\nSee more help with --help", flag, s)
	}
	return n, nil
}

// changed reports whether a flag was given.
func (c *call) changed(flag string) bool { return c.flags.Changed(flag) }
