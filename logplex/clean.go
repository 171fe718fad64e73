package logplex

import (
	"strings"
	"unicode/utf8"

	"github.com/kigo-dev/kigo"
)

// isPlain reports whether a message can be stored as it is: valid UTF-8 without
// line ends and NUL. Other control bytes are kept (escape sequences colour many a log).
func isPlain(s string) bool {
	return len(s) <= kigo.MaxLogLine && strings.IndexByte(s, '\n') < 0 && strings.IndexByte(s, '\r') < 0 &&
		strings.IndexByte(s, 0) < 0 && utf8.ValidString(s)
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
