package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/kigo-dev/kigo/rendezvous"
)

// attachment is the terminal's end of a one-off dyno's byte pipe.
type attachment struct {
	*call
	dyno     string
	wantExit bool // the output ends with the command's exit status
	plain    bool // the dyno has no terminal: bytes come as its process wrote them
	raw      bool // standard input is in raw mode
	held     []byte
	status   int
	seen     bool // the exit status came
}

// idleTimeout ends a pipe on which nothing moved for so long.
const idleTimeout = time.Hour

func (a *attachment) run(address string) error {
	config, err := a.env.tls()
	if err != nil {
		return err
	}
	conn, err := rendezvous.Dial(a, address, config)
	if err != nil {
		return fmt.Errorf("run %s: %w", a.dyno, err)
	}
	defer conn.Close()
	a.done("up, %s", a.dyno)
	restore := a.makeRaw()
	defer restore()
	defer context.AfterFunc(a, func() { conn.Close() })()
	go a.send(conn)
	if err := a.receive(conn); err != nil {
		return err
	}
	return a.outcome()
}

// outcome is the exit status of the command, where it was asked for.
func (a *attachment) outcome() error {
	switch {
	case !a.wantExit:
		return nil
	case !a.seen:
		return sentence("No exit code returned")
	case a.status != 0:
		return usage(a.status, "Process exited with code %d", a.status)
	}
	return nil
}

// makeRaw hands each key to the dyno as it is pressed, and returns what puts the
// terminal back.
func (a *attachment) makeRaw() func() {
	f, ok := a.in.(*os.File)
	if a.plain || !ok || !term.IsTerminal(int(f.Fd())) {
		return func() {}
	}
	old, err := term.MakeRaw(int(f.Fd()))
	if err != nil {
		return func() {}
	}
	a.raw = true
	return func() { _ = term.Restore(int(f.Fd()), old) }
}

// send passes on what is typed. A terminal of ours that can be read no more is gone, and
// hangs up even if its SIGHUP is ignored.
func (a *attachment) send(conn *rendezvous.Conn) {
	_, err := io.Copy(conn, a.in)
	switch {
	case a.raw:
		_ = conn.Close()
	case err == nil:
		_ = conn.SendEOF() // the dyno may have ended by itself
	}
}

func (a *attachment) receive(conn *rendezvous.Conn) error {
	buf := make([]byte, 32<<10)
	for !a.seen {
		if err := conn.SetReadDeadline(time.Now().Add(idleTimeout)); err != nil {
			return fmt.Errorf("set timeout: %w", err)
		}
		n, err := conn.Read(buf)
		a.show(buf[:n])
		if err == nil {
			continue
		}
		a.flush(len(a.held))
		if a.Err() == nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("read from %s: %w", a.dyno, err)
		}
		break
	}
	return nil
}

var exitStatus = regexp.MustCompile(exitMark + `(\d+)\r?\n`)

// show prints output, holding back what may become the exit status. Without a
// terminal of ours a line of the dyno's terminal ends in a line feed alone.
func (a *attachment) show(p []byte) {
	a.held = append(a.held, p...)
	if a.trims() {
		a.held = bytes.ReplaceAll(a.held, []byte("\r\n"), []byte("\n"))
	}
	if !a.wantExit {
		a.flushLines()
		return
	}
	if m := exitStatus.FindSubmatchIndex(a.held); m != nil {
		a.status, _ = strconv.Atoi(string(a.held[m[2]:m[3]]))
		a.held, a.seen = a.held[:m[0]], true
		a.flush(len(a.held))
		return
	}
	if i := beginningOfStatus(a.held); i < len(a.held) {
		a.flush(i)
		return
	}
	a.flushLines()
}

// beginningOfStatus is where the exit status begins at the end of what was said, as far as
// that came; its length if that is none.
func beginningOfStatus(said []byte) int {
	const longest = len(exitMark) + len("255\r")
	for i := max(len(said)-longest, 0); i < len(said); i++ {
		mark, digits := said[i:], []byte(nil)
		if len(mark) > len(exitMark) {
			mark, digits = mark[:len(exitMark)], mark[len(exitMark):]
		}
		if strings.HasPrefix(exitMark, string(mark)) && len(bytes.Trim(digits, "0123456789\r")) == 0 {
			return i
		}
	}
	return len(said)
}

// flushLines prints what is held but for a carriage return at its end, which
// may be the first half of a line end.
func (a *attachment) flushLines() {
	n := len(a.held)
	if n > 0 && a.held[n-1] == '\r' && a.trims() {
		n--
	}
	a.flush(n)
}

// flush prints the first n bytes that are held.
func (a *attachment) flush(n int) {
	fmt.Fprintf(a.out, "%s", a.held[:n])
	a.held = append(a.held[:0], a.held[n:]...)
}

// trims reports whether carriage returns, which the dyno's terminal writes, are left out.
func (a *attachment) trims() bool {
	f, ok := a.out.(*os.File)
	return !a.plain && !(ok && term.IsTerminal(int(f.Fd())))
}
