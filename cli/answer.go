package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/spf13/pflag"

	"github.com/kigo-dev/kigo/client"
)

// answerFlag gives --json to a command that prints no JSON of its own: instead of text it
// prints the server's answer to what it did.
func (c command) answerFlag(fs *pflag.FlagSet) bool {
	if !c.login || c.raw || c.stream || fs.Lookup("json") != nil {
		return false
	}
	fs.Bool("json", false, "print the server's answer as JSON")
	return true
}

// answer is what --json prints: the last change's answer, or the last of all where nothing
// was changed.
type answer struct {
	body    []byte
	changed bool
}

func (a *answer) take(method string, body []byte) {
	if change := method != http.MethodGet; change || !a.changed {
		a.body, a.changed = bytes.Clone(body), change
	}
}

// runForAnswer runs the command with its text thrown away, and prints the answer.
func (c *call) runForAnswer() error {
	var got answer
	out := c.out
	c.out, c.api.OnAnswer = io.Discard, got.take
	err := c.cmd.run(c)
	c.out = out
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(got.body)) == 0 {
		got.body = []byte("{}")
	}
	var b bytes.Buffer
	if err := json.Indent(&b, bytes.TrimSpace(got.body), "", "  "); err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	c.println("%s", b.String())
	return nil
}

// onlyJSON throws text away when --json was given, until the returned function prints what
// the command has come to instead.
func (c *call) onlyJSON() (printJSON func(v any) error) {
	if !c.is("json") {
		return func(any) error { return nil }
	}
	out := c.out
	c.out = io.Discard
	return func(v any) error {
		c.out = out
		return c.json(v)
	}
}

// get reads what the path of these segments leads to.
func get[T any](c *call, segments ...string) (out T, err error) {
	return out, c.send(http.MethodGet, nil, &out, segments...)
}

// all reads a whole list.
func all[T any](c *call, segments ...string) ([]T, error) {
	return client.All[T](c, c.api, client.Path(segments...))
}

// send makes one request; body and out may be nil.
func (c *call) send(method string, body, out any, segments ...string) error {
	return c.api.Do(c, method, client.Path(segments...), body, out)
}

// act is a command that is one change: it says what it does, and that it is done.
func (c *call) act(doing, method string, body any, segments ...string) error {
	c.begin("%s", doing)
	return c.ended(c.send(method, body, nil, segments...))
}

// need reads a flag that must be given.
func (c *call) need(flag string) (string, error) {
	if v := c.str(flag); v != "" {
		return v, nil
	}
	return "", usage(2, "The following error occurred:\n  Missing required flag %s\nSee more help with --help", flag)
}
