package shim

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// visit is one process that was put into the dyno by an exec.
type visit struct {
	number   int64
	pid      int
	terminal *os.File // nil: it has pipes
	io       *attachment
	over     chan struct{} // closed at its end
	status   int           // once over: as a shell tells it
}

// visitKept is how long the end of a visit can be asked for.
const visitKept = time.Minute

func (v *visit) end(ws unix.WaitStatus) {
	v.status = ws.ExitStatus()
	if ws.Signaled() {
		v.status = 128 + int(ws.Signal())
	}
	close(v.over)
}

// answerVisit serves "exec-end N", which says the exit status once there is one, and
// "exec-size N ROWS COLUMNS", which resizes the terminal.
func (k *keeper) answerVisit(conn net.Conn, verb string, args []string) {
	var n []int
	for _, a := range args {
		i, err := strconv.Atoi(a)
		if err != nil || i < 0 || i > 1<<30 {
			_, _ = fmt.Fprintf(conn, "error %s: %s is no number\n", verb, a)
			return
		}
		n = append(n, i)
	}
	var v *visit
	if len(n) > 0 {
		if found, known := k.visits.Load(int64(n[0])); known {
			v = found.(*visit)
		}
	}
	switch {
	case v == nil:
		_, _ = conn.Write([]byte("error no such process\n"))
	case verb == "exec-end":
		<-v.over
		_, _ = fmt.Fprintf(conn, "ok %d\n", v.status)
	case len(n) == 3 && v.terminal != nil:
		size := unix.Winsize{Row: uint16(min(n[1], 1000)), Col: uint16(min(n[2], 1000))}
		setSize(v.terminal, &size)
		_, _ = conn.Write([]byte(ok))
	default:
		_, _ = conn.Write([]byte("error it has no terminal\n"))
	}
}

func setSize(terminal *os.File, size *unix.Winsize) {
	if raw, err := terminal.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _ = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, size) })
	}
}

// visitVerb parts a request about a visit into its words.
func visitVerb(request string) (verb string, args []string, found bool) {
	words := strings.Fields(request)
	if len(words) > 1 && (words[0] == "exec-end" || words[0] == "exec-size") {
		return words[0], words[1:], true
	}
	return "", nil, false
}
