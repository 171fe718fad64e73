package cli

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// terminal is where a command reads and writes.
type terminal struct {
	in       io.Reader
	out, err io.Writer
	doing    bool // an action was begun and its line is not ended
}

func (t *terminal) println(format string, args ...any) { fmt.Fprintf(t.out, format+"\n", args...) }

// header prints a heading and an empty line.
func (t *terminal) header(format string, args ...any) {
	fmt.Fprintf(t.out, "=== "+format+"\n\n", args...)
}

// begin says on the error stream what is about to happen; done ends that line.
func (t *terminal) begin(format string, args ...any) {
	fmt.Fprintf(t.err, format+"... ", args...)
	t.doing = true
}

func (t *terminal) done(format string, args ...any) {
	fmt.Fprintf(t.err, format+"\n", args...)
	t.doing = false
}

// abandon ends the line of an action that came to nothing.
func (t *terminal) abandon() {
	if t.doing {
		t.done("!")
	}
}

func (t *terminal) warn(format string, args ...any) {
	if t.doing {
		fmt.Fprintln(t.err)
	}
	fmt.Fprint(t.err, bullet("Warning: "+fmt.Sprintf(format, args...)))
}

// json prints a value with two spaces of indent, as the official CLI does.
func (t *terminal) json(v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	_, err := b.WriteTo(t.out)
	return err
}

// pair is a key and what it is: no values leave it out, several stand below
// each other.
type pair struct {
	key    string
	values []string
}

func one(key, value string) pair { return pair{key, []string{value}} }

// object prints pairs with their values in one column.
func (t *terminal) object(pairs []pair) {
	width := 0
	for _, p := range pairs {
		if len(p.values) > 0 {
			width = max(width, len(p.key)+2)
		}
	}
	var lines []string
	for _, p := range pairs {
		label := p.key + ":"
		for _, v := range p.values {
			if v == "" {
				v = "''"
			}
			lines = append(lines, label+strings.Repeat(" ", width-len(label))+v)
			label = ""
		}
	}
	t.println("%s", strings.Join(lines, "\n"))
}

// compareText orders as people do: capitals beside small letters.
func compareText(a, b string) int {
	return cmp.Or(strings.Compare(strings.ToLower(a), strings.ToLower(b)), strings.Compare(a, b))
}

// table prints rows below a heading and a rule.
func (t *terminal) table(heading []string, rows [][]string) {
	widths := make([]int, len(heading))
	for _, row := range append([][]string{heading}, rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	total := len(widths) - 1
	for _, w := range widths {
		total += w + 2
	}
	line := func(row []string) {
		var b strings.Builder
		for i, cell := range row {
			b.WriteString("  " + cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+1))
		}
		t.println("%s", strings.TrimRight(b.String(), " "))
	}
	line(heading)
	t.println(" %s", strings.Repeat("─", total))
	for _, row := range rows {
		line(row)
	}
	t.println("")
}
