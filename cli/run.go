package cli

import (
	"errors"
	"os"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/term"

	"github.com/kigo-dev/kigo/client"
)

// exitMark is what the command line appends to a command to learn its exit
// status; the bytes are the official CLI's.
const exitMark = "\uFFFF heroku-command-exit-status: "

func runAttached(c *call) error {
	command := dynoCommand(c.args)
	if command == "" {
		return sentence("Usage: kigo run COMMAND\n\nExample: kigo run bash")
	}
	full := command
	if c.is("exit-code") {
		full += ` ; echo "` + exitMark + `$?"`
	}
	dyno, err := c.runDyno(client.NewDyno{Attach: true, Command: full, Env: c.dynoEnv(), ForceNoTTY: c.is("no-tty")})
	if err != nil {
		return err
	}
	c.begin("Running %s on %s", command, c.app)
	if dyno.AttachURL == nil {
		return errors.New("the server gave no address to attach to")
	}
	a := &attachment{call: c, dyno: dyno.Name, wantExit: c.is("exit-code"), plain: c.is("no-tty")}
	return a.run(*dyno.AttachURL)
}

// runInside runs a command in a dyno that is there already, beside what runs in it.
func runInside(c *call) error {
	if len(c.args) < 2 {
		return usage(2, "Missing %d required args:\nDYNO COMMAND\nSee more help with --help", 2-len(c.args))
	}
	name, command := c.args[0], dynoCommand(c.args[1:])
	full := command
	if c.is("exit-code") {
		full += ` ; echo "` + exitMark + `$?"`
	}
	c.begin("Running %s on %s", command, c.app)
	var dyno client.Dyno
	if err := c.send("POST", client.NewDyno{Attach: true, Command: full, Env: c.dynoEnv()}, &dyno, "apps", c.app, "dynos", name); err != nil {
		return err
	}
	if dyno.AttachURL == nil {
		return errors.New("the server gave no address to attach to")
	}
	a := &attachment{call: c, dyno: dyno.Name, wantExit: c.is("exit-code")}
	return a.run(*dyno.AttachURL)
}

func runDetached(c *call) error {
	command := dynoCommand(c.args)
	if command == "" {
		return sentence("Usage: kigo run COMMAND\n\nExample: kigo run bash")
	}
	dyno, err := c.runDyno(client.NewDyno{Command: command, Env: c.dynoEnv()})
	if err != nil {
		return err
	}
	c.begin("Running %s on %s", command, c.app)
	c.done("done, %s", dyno.Name)
	if c.is("tail") {
		return c.showLog(client.NewLogSession{Dyno: dyno.Name, Lines: 100, Tail: true})
	}
	c.println("Run kigo logs --app %s --dyno %s to view the output.\n", c.app, dyno.Name)
	return nil
}

// runDyno starts a one-off, trying twice more while the app's first release is
// still being made.
func (c *call) runDyno(n client.NewDyno) (dyno client.Dyno, err error) {
	n.Size, n.Type = c.str("size"), c.str("type")
	for range 3 {
		dyno, err = c.api.RunDyno(c, c.app, n)
		var refused *client.Error
		if !errors.As(err, &refused) || refused.Status != 409 {
			return dyno, err
		}
	}
	return dyno, err
}

// dynoCommand joins words to a command line: one word is taken as it is, several
// are quoted where they hold spaces or quotes.
func dynoCommand(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	quoted := make([]string, len(words))
	for i, w := range words {
		if strings.ContainsAny(w, ` "`) {
			w = `"` + strings.ReplaceAll(w, `"`, `\"`) + `"`
		}
		quoted[i] = w
	}
	return strings.TrimSpace(strings.Join(quoted, " "))
}

var envVar = regexp.MustCompile(`^\s*([\w.-]+)\s*=\s*(.*?)\s*$`)

// dynoEnv is what --env asks for, and the terminal's kind and size.
func (c *call) dynoEnv() map[string]string {
	env := make(map[string]string)
	if given := c.str("env"); given != "" {
		for v := range strings.SplitSeq(given, ";") {
			if m := envVar.FindStringSubmatch(v); m != nil {
				env[m[1]] = m[2]
			} else {
				c.warn("env flag %s appears invalid. Avoid using ';' in values.", v)
			}
		}
	}
	if t := os.Getenv("TERM"); t != "" {
		env["TERM"] = t
	}
	if f, ok := c.out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		if cols, rows, err := term.GetSize(int(f.Fd())); err == nil {
			env["COLUMNS"], env["LINES"] = strconv.Itoa(cols), strconv.Itoa(rows)
		}
	}
	return env
}
