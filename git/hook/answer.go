package hook

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

var errRequest = errors.New("the hook's request is damaged")

// Receive reads what Send wrote.
func Receive(r io.Reader) (Request, []Update, error) {
	in := bufio.NewReaderSize(r, maxLine)
	first, err := readLine(in)
	if err != nil {
		return Request{}, nil, err
	}
	quarantine, ok := strings.CutPrefix(first, "kigo-hook 1 ")
	if !ok {
		return Request{}, nil, errRequest
	}
	var updates []Update
	for {
		text, err := readLine(in)
		if err != nil {
			return Request{}, nil, err
		}
		if text == "" {
			return Request{Quarantine: quarantine}, updates, nil
		}
		u, err := parseUpdate(text)
		if err != nil {
			return Request{}, nil, err
		}
		if len(updates) == maxRefs {
			return Request{}, nil, fmt.Errorf("more than %d refs in one push", maxRefs)
		}
		updates = append(updates, u)
	}
}

func readLine(in *bufio.Reader) (string, error) {
	text, err := in.ReadSlice('\n')
	if err != nil {
		return "", fmt.Errorf("read hook: %w", err)
	}
	return string(text[:len(text)-1]), nil
}

// parseUpdate reads "OLD NEW REF" as git's githooks(5) has it.
func parseUpdate(text string) (Update, error) {
	old, rest, ok1 := strings.Cut(text, " ")
	id, ref, ok2 := strings.Cut(rest, " ")
	if !ok1 || !ok2 || !ValidID(old) || !ValidID(id) || len(old) != len(id) || ref == "" || strings.ContainsAny(ref, "\x00\n") {
		return Update{}, fmt.Errorf("%w: %q", errRequest, text)
	}
	return Update{Old: old, New: id, Ref: ref}, nil
}

// ValidID reports whether s is a full object id, SHA-1 or SHA-256, in lower case.
func ValidID(s string) bool {
	if len(s) != 40 && len(s) != 64 {
		return false
	}
	return strings.Trim(s, "0123456789abcdef") == ""
}

// Deletes reports whether the update removes the ref.
func (u Update) Deletes() bool { return strings.Trim(u.New, "0") == "" }

// Answer is the server's side of a conversation.
type Answer struct{ Conn io.Writer }

// Write sends output that the person who pushes shall see now.
func (a Answer) Write(p []byte) (int, error) {
	sent := 0
	for len(p) > 0 {
		part := p[:min(len(p), 32<<10)]
		frame := make([]byte, 5, 5+len(part))
		frame[0] = kindOutput
		binary.BigEndian.PutUint32(frame[1:], uint32(len(part)))
		if _, err := a.Conn.Write(append(frame, part...)); err != nil {
			return sent, err
		}
		sent += len(part)
		p = p[len(part):]
	}
	return sent, nil
}

// Exit ends the conversation: 0 accepts the push, anything else rejects it.
func (a Answer) Exit(code byte) error {
	_, err := a.Conn.Write([]byte{kindExit, 0, 0, 0, code})
	return err
}
