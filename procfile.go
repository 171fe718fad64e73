package kigo

import (
	"bytes"
	"regexp"
	"strings"
	"unicode/utf8"
)

// ProcessType is one line of a Procfile.
type ProcessType struct{ Name, Command string }

// MaxProcfile bounds a Procfile's size in bytes.
const MaxProcfile = 256 << 10

// procfileLine is Heroku's rule (devcenter, "The Procfile").
var procfileLine = regexp.MustCompile(`^([A-Za-z0-9_-]+):\s*(.+)$`)

// ParseProcfile reads a Procfile: one "type: command" per line, in the order of
// the file. Empty lines and lines that start with # are skipped, CRLF and a byte
// order mark are accepted. A line that is neither is an error which names it,
// where Heroku would ignore it and leave the user to wonder.
func ParseProcfile(b []byte) ([]ProcessType, error) {
	if len(b) > MaxProcfile {
		return nil, Invalid("Procfile is too large: %d bytes, the maximum is %d", len(b), MaxProcfile)
	}
	if !utf8.Valid(b) || bytes.IndexByte(b, 0) >= 0 {
		return nil, Invalid("Procfile is not a text file in UTF-8")
	}
	text := strings.TrimPrefix(string(b), "\ufeff")
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	var types []ProcessType
	seen := map[string]int{}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		m := procfileLine.FindStringSubmatch(line)
		if m == nil {
			return nil, Invalid("Procfile line %d is not \"type: command\": %s", i+1, shorten(line))
		}
		if !ValidProcessType(m[1]) {
			return nil, Invalid("Procfile line %d: process type %s is too long, the maximum is 63 characters", i+1, shorten(m[1]))
		}
		if first, dup := seen[m[1]]; dup {
			return nil, Invalid("Procfile line %d declares process type %s again, it is already on line %d", i+1, m[1], first)
		}
		if len(types) == MaxProcessTypes {
			return nil, Invalid("Procfile line %d: process type %s is one too many, the maximum is %d", i+1, shorten(m[1]), MaxProcessTypes)
		}
		if len(m[2]) > MaxCommand {
			return nil, Invalid("Procfile line %d: the command of %s is too long: %d bytes, the maximum is %d", i+1, m[1], len(m[2]), MaxCommand)
		}
		seen[m[1]] = i + 1
		types = append(types, ProcessType{Name: m[1], Command: m[2]})
	}
	return types, nil
}

// shorten quotes the start of what a user wrote, for a one-line message.
func shorten(s string) string {
	if r := []rune(s); len(r) > 60 {
		s = string(r[:60]) + "…"
	}
	return "\"" + strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, s) + "\""
}
