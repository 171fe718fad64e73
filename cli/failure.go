package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/kigo-dev/kigo/client"
)

// failure is an error with an exit status of its own, shown with a bullet.
type failure struct {
	status  int
	message string
	plain   bool // indented, without a bullet
}

func (f *failure) Error() string { return f.message }

// usage returns a failure; the official CLI ends with 2 for most of them, and
// with 1 where a command says so.
func usage(status int, format string, args ...any) error {
	return &failure{status: status, message: fmt.Sprintf(format, args...)}
}

// sentence returns an error in the official CLI's own words, which it shows
// without a bullet.
func sentence(format string, args ...any) error {
	return &failure{status: 1, message: fmt.Sprintf(format, args...), plain: true}
}

// fail shows an error as the official CLI does and returns the exit status: a
// refusal by the server with its id, a failure with a bullet, and anything else indented.
func (t *terminal) fail(err error) int {
	var refused *client.Error
	var f *failure
	switch {
	case err == nil:
		return 0
	case errors.As(err, &refused) && refused.Status == 401:
		fmt.Fprint(t.err, bullet("Error: Invalid credentials provided. Run kigo login, or set HEROKU_API_KEY to a token that is valid.\n\nError ID: "+refused.ID))
		return 100
	case errors.As(err, &refused):
		text := "Error: " + refused.Message + "\n\nError ID: " + refused.ID
		if refused.URL != "" {
			text += "\nSee " + refused.URL + " for more information."
		}
		fmt.Fprint(t.err, bullet(text))
		return 2
	case errors.As(err, &f) && !f.plain:
		if f.message != "" {
			fmt.Fprint(t.err, bullet("Error: "+f.message))
		}
		return f.status
	}
	fmt.Fprintf(t.err, "    Error: %s\n", strings.ReplaceAll(err.Error(), "\n", "\n    "))
	return 1
}

// bulletWidth is where text behind a bullet is wrapped.
const bulletWidth = 74

// bullet puts a bullet before each line and wraps at words.
func bullet(text string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(text, "\n") {
		for _, part := range wrap(line, bulletWidth) {
			if part == "" {
				b.WriteString(" ›\n")
				continue
			}
			b.WriteString(" ›   " + part + "\n")
		}
	}
	return b.String()
}

func wrap(line string, width int) []string {
	indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
	var lines []string
	now := ""
	for _, word := range strings.Fields(line) {
		switch {
		case now == "":
			now = indent + word
		case len(now)+1+len(word) > width:
			lines, now = append(lines, now), word
		default:
			now += " " + word
		}
	}
	return append(lines, now)
}
