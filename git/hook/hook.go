// Package hook is what our binary does when git runs it as a repository's
// pre-receive hook, and the protocol that it speaks with the server.
//
// It decides nothing: it hands git's ref lines to the server, copies the server's
// answer to its standard output as it comes (git shows it to the person who
// pushes, behind "remote:") and exits as it is told.
//
// The two talk over a socket pair that the server makes for each push and that
// git's processes inherit as file descriptor FD. So there is no path that another
// user of the machine could connect to, no secret in an environment that could be
// read, and nothing left behind; when either side dies the other sees the end.
package hook

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// FD is the inherited descriptor, and Name what the binary is called as a hook.
const (
	FD   = 3
	Name = "pre-receive"
)

// Main runs the hook and returns its exit status.
func Main() int {
	conn := os.NewFile(FD, "server")
	err := Send(conn, Request{Quarantine: os.Getenv("GIT_QUARANTINE_PATH")}, os.Stdin)
	if err == nil {
		var code int
		if code, err = Copy(os.Stdout, conn); err == nil {
			return code
		}
	}
	fmt.Fprintf(os.Stdout, " !     The connection to the platform was lost (%v). Run `kigo builds` to see whether the build goes on.\n", err)
	return 1
}

// Request is what the hook says first; the ref lines follow.
type Request struct {
	Quarantine string // where the pushed objects are until the push is accepted
}

// Update is one ref of a push.
type Update struct {
	Old, New string // object ids; all zeros: there is none
	Ref      string
}

// Sizes that bound what a hook may say.
const (
	maxLine = 8 << 10
	maxRefs = 100_000
)

// Send writes a request and the ref lines, as git gives them, and an empty line.
func Send(w io.Writer, r Request, refs io.Reader) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "kigo-hook 1 %s\n", r.Quarantine)
	if _, err := io.Copy(out, refs); err != nil {
		return fmt.Errorf("send refs: %w", err)
	}
	fmt.Fprintln(out)
	if err := out.Flush(); err != nil {
		return fmt.Errorf("send refs: %w", err)
	}
	return nil
}

// The server's answer is frames: a byte of kind, four of length (big-endian), then
// so many bytes of output; or an exit status in place of the length.
const (
	kindOutput = 'o'
	kindExit   = 'x'
	maxFrame   = 1 << 20
)

var errAnswer = errors.New("the answer is damaged")

// Copy writes the server's output to w as it comes and returns the exit status.
func Copy(w io.Writer, conn io.Reader) (int, error) {
	in := bufio.NewReaderSize(conn, 32<<10)
	var head [5]byte
	for {
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return 0, fmt.Errorf("read answer: %w", err)
		}
		n := binary.BigEndian.Uint32(head[1:])
		switch {
		case head[0] == kindExit && n <= 255:
			return int(n), nil
		case head[0] != kindOutput || n > maxFrame:
			return 0, errAnswer
		}
		if _, err := io.CopyN(w, in, int64(n)); err != nil {
			return 0, fmt.Errorf("copy answer: %w", err)
		}
	}
}
