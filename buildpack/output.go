package buildpack

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// Output writes in the form that users of Heroku know: titles behind an arrow,
// seven spaces before everything else, warnings and errors behind " !     ".
type Output struct{ W io.Writer }

// Title starts a section.
func (o Output) Title(format string, args ...any) { o.print("-----> ", format, args) }

// Line writes below a title.
func (o Output) Line(format string, args ...any) { o.print("       ", format, args) }

// Warn writes a warning or an error.
func (o Output) Warn(format string, args ...any) { o.print(" !     ", format, args) }

// Plain writes a line as it is; with "" an empty one.
func (o Output) Plain(format string, args ...any) { o.print("", format, args) }

func (o Output) print(prefix, format string, args []any) {
	var b strings.Builder
	for line := range strings.SplitSeq(fmt.Sprintf(format, args...), "\n") {
		b.WriteString(strings.TrimRight(prefix+line, " \r"))
		b.WriteByte('\n')
	}
	io.WriteString(o.W, b.String()) //nolint:errcheck // nobody is left to tell
}

// Indent returns a writer that puts seven spaces before each line.
func (o Output) Indent() *Indenter { return &Indenter{w: o.W} }

// Indenter writes whole lines, each behind seven spaces. Close writes what is
// left of the last one.
type Indenter struct {
	w    io.Writer
	rest []byte
}

// maxHeld bounds a line that has no end yet.
const maxHeld = 64 << 10

func (i *Indenter) Write(p []byte) (int, error) {
	i.rest = append(i.rest, p...)
	for {
		n := bytes.IndexByte(i.rest, '\n')
		if n < 0 && len(i.rest) < maxHeld {
			return len(p), nil
		}
		if n < 0 {
			n = len(i.rest) - 1
		}
		if err := i.line(i.rest[:n+1]); err != nil {
			return 0, err
		}
		i.rest = i.rest[n+1:]
	}
}

// Close writes a last line that had no end.
func (i *Indenter) Close() error {
	if len(i.rest) == 0 {
		return nil
	}
	err := i.line(i.rest)
	i.rest = nil
	return err
}

func (i *Indenter) line(p []byte) error {
	p = bytes.TrimRight(p, "\r\n")
	if n := bytes.LastIndexByte(p, '\r'); n >= 0 {
		p = p[n+1:] // a progress bar: only its last state
	}
	out := make([]byte, 0, len(p)+8)
	if len(p) > 0 {
		out = append(out, "       "...)
	}
	out = append(append(out, p...), '\n')
	_, err := i.w.Write(out)
	return err
}
