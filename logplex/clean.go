package logplex

import (
	"strings"
	"unicode/utf8"

	"github.com/kigo-dev/kigo"
)

// plain tells which bytes need no thought: printable ASCII, tab, and the other
// control bytes that are kept (escape sequences colour many a log).
var plain = func() (t [256]bool) {
	for i := range 128 {
		t[i] = i != 0 && i != '\n' && i != '\r'
	}
	return t
}()

// isPlain reports whether a message can be stored as it is.
func isPlain(s string) bool {
	if len(s) > kigo.MaxLogLine {
		return false
	}
	for i := 0; i < len(s); i++ {
		if !plain[s[i]] {
			return false
		}
	}
	return true
}

// split calls f with each line of a raw message: cut at line feeds, carriage
// returns removed, NUL and bytes that are not UTF-8 replaced by U+FFFD, and cut
// again every kigo.MaxLogLine bytes, never inside a character. All other control
// bytes are kept.
func split(message string, f func(string)) {
	message = strings.TrimSuffix(message, "\n")
	for {
		line, rest, more := strings.Cut(message, "\n")
		splitLong(scrub(line), f)
		if !more {
			return
		}
		message = rest
	}
}

func scrub(line string) string {
	if strings.IndexByte(line, '\r') >= 0 {
		line = strings.ReplaceAll(line, "\r", "")
	}
	if strings.IndexByte(line, 0) >= 0 {
		line = strings.ReplaceAll(line, "\x00", "\uFFFD")
	}
	if !utf8.ValidString(line) {
		line = replaceInvalid(line)
	}
	return line
}

// replaceInvalid replaces each byte that is not UTF-8 (strings.ToValidUTF8 would
// make one mark of a whole run and hide how much there was).
func replaceInvalid(line string) string {
	var b strings.Builder
	b.Grow(len(line) + 64)
	for _, r := range line {
		b.WriteRune(r) // an invalid byte arrives as utf8.RuneError
	}
	return b.String()
}

func splitLong(line string, f func(string)) {
	for len(line) > kigo.MaxLogLine {
		end := kigo.MaxLogLine
		for !utf8.RuneStart(line[end]) {
			end--
		}
		f(line[:end])
		line = line[end:]
	}
	f(line)
}
