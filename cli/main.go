package cli

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// Version is set when the program is linked.
var Version = "dev"

// Main runs one command line, without the program's name, and returns the exit
// status.
func Main(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	t := terminal{in: stdin, out: stdout, err: stderr}
	name, rest := split(args)
	cmd, ok := find(name)
	switch {
	case name == "" || name == "help" || name == "--help" || name == "-h":
		return t.help(rest)
	case name == "--version" || name == "-v":
		rest, cmd = nil, must("version")
	case !ok && (len(rest) == 0 || rest[0] == "--help" || rest[0] == "-h") && t.helpOnTopic(name):
		return 0
	case !ok:
		return t.unknown(name)
	}
	c, err := parse(cmd, rest)
	if errors.Is(err, pflag.ErrHelp) {
		t.helpOn(cmd)
		return 0
	}
	if err == nil {
		c.Context, c.terminal = ctx, t
		err = c.prepare()
	}
	switch {
	case err != nil:
	case c.answers && c.is("json"):
		err = c.runForAnswer()
	default:
		err = cmd.run(c)
	}
	if c != nil {
		c.abandon()
	}
	return t.fail(err)
}

// split takes the command's name off the front: the first word, or two words
// that together name a command ("config set" for config:set).
func split(args []string) (string, []string) {
	if len(args) == 0 {
		return "", nil
	}
	if len(args) > 1 && !strings.HasPrefix(args[1], "-") {
		if both := args[0] + ":" + args[1]; strings.Count(both, ":") == 1 {
			_, taken := find(both)
			if _, not := refused(both); not {
				taken = true
			}
			if first, ok := find(args[0]); taken && (!ok || !first.takesArgs()) {
				return both, args[2:]
			}
		}
	}
	return args[0], args[1:]
}

func find(name string) (command, bool) {
	for _, c := range commands {
		if c.name == name || slices.Contains(c.aliases, name) {
			return c, true
		}
	}
	return command{}, false
}

func must(name string) command {
	c, _ := find(name)
	return c
}
