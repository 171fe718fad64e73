package logplex

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/kigo-dev/kigo"
)

// Bounds of what is written from outside at once.
const (
	MaxInput       = 4 << 20 // bytes of a body
	maxInputLines  = 10_000
	maxInputLength = 64 << 10 // bytes of one message with its head
)

// ParseInput reads a body in Logplex's framing, as add-ons and log-shuttle send
// it: "LENGTH <PRI>1 TIME HOST TOKEN PROCESS MSGID TEXT", one message right after
// the other, RFC 5424 without its structured data. Lines are the app's own
// (source "app"); name is the process of those that name none, or one that only
// the platform writes as. count is what the sender says there are; negative: it
// says nothing. An error names the message and what is wrong with it, and then
// nothing of the body counts.
func ParseInput(body []byte, count int, name string) ([]kigo.LogLine, error) {
	var lines []kigo.LogLine
	for rest := body; len(rest) > 0; {
		n := len(lines) + 1
		message, after, err := cutMessage(rest)
		if err != nil {
			return nil, fmt.Errorf("message %d at byte %d: %w", n, len(body)-len(rest), err)
		}
		line, err := parseMessage(message, name)
		if err != nil {
			return nil, fmt.Errorf("message %d at byte %d: %w", n, len(body)-len(rest), err)
		}
		if n > maxInputLines {
			return nil, fmt.Errorf("the body holds more than %d messages: send fewer at once", maxInputLines)
		}
		lines, rest = append(lines, line), after
	}
	switch {
	case len(lines) == 0:
		return nil, errors.New("the body holds no message")
	case count >= 0 && count != len(lines):
		return nil, fmt.Errorf("Logplex-Msg-Count is %d, but the body holds %d messages", count, len(lines))
	}
	return lines, nil
}

// cutMessage takes one octet-counted message off.
func cutMessage(rest []byte) (message, after []byte, err error) {
	end := bytes.IndexByte(rest[:min(len(rest), 12)], ' ')
	if end < 1 {
		return nil, nil, fmt.Errorf("it must begin with its length in bytes and a space, not %.12q", rest)
	}
	digits := string(rest[:end])
	length, err := strconv.ParseUint(digits, 10, 31)
	switch {
	case err != nil || digits[0] == '0' || digits[0] == '+':
		return nil, nil, fmt.Errorf("its length %q is not a number of bytes", digits)
	case length > maxInputLength:
		return nil, nil, fmt.Errorf("its length is %d: at most %d bytes are taken", length, maxInputLength)
	case int(length) > len(rest)-end-1:
		return nil, nil, fmt.Errorf("its length is %d, but only %d bytes follow", length, len(rest)-end-1)
	}
	return rest[end+1 : end+1+int(length)], rest[end+1+int(length):], nil
}

// parseMessage reads "<PRI>1 TIME HOST TOKEN PROCESS MSGID TEXT".
func parseMessage(message []byte, name string) (l kigo.LogLine, err error) {
	fields := bytes.SplitN(message, []byte(" "), 7)
	if len(fields) < 7 {
		return l, fmt.Errorf("%d of the seven parts <PRI>1 TIME HOST TOKEN PROCESS MSGID TEXT are there", len(fields))
	}
	digits, version, ok := strings.Cut(strings.TrimPrefix(string(fields[0]), "<"), ">")
	pri, err := strconv.Atoi(digits)
	if !ok || err != nil || fields[0][0] != '<' || pri < 0 || pri > 191 || version != "1" {
		return l, fmt.Errorf("it begins with %.20q where a priority and version such as <190>1 belong", fields[0])
	}
	if at := string(fields[1]); at != "-" {
		if l.Time, err = time.Parse(time.RFC3339Nano, at); err != nil {
			return l, fmt.Errorf("its time %.40q is not like 2026-11-22T12:00:00.000000+00:00", at)
		}
		l.Time = l.Time.UTC()
	}
	l.Source, l.Process, l.Message = "app", processOf(fields[4], name), string(fields[6])
	return l, nil
}

// processOf is the process that a line from outside names, unless that is the
// platform's own or not what a process looks like.
func processOf(b []byte, name string) string {
	switch p := string(b); {
	case p == "-", p == "api", p == "logplex", p == "router", p == kigo.LogShuttle, len(p) > 48:
		return name
	default:
		for i := range len(p) {
			if c := p[i]; c <= ' ' || c >= 0x7f || c == '[' || c == ']' {
				return name
			}
		}
		if p == "" {
			return name
		}
		return p
	}
}
