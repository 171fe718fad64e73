package shim

import (
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// leftBytes bounds what is kept for a client that has not come before the end.
const leftBytes = 1 << 20

// attachment is the near end of a dyno's terminal, or of its input and output
// pipes. Nothing is read from it before a client is there, so that the dyno
// waits and nothing is lost; after the client has gone all is thrown away.
type attachment struct {
	in, out *os.File // the same file for a terminal

	mu    sync.Mutex
	taken bool
	ended bool
	done  chan struct{} // closed when nothing more will be read from out
}

func newAttachment(in, out *os.File) *attachment {
	return &attachment{in: in, out: out, done: make(chan struct{})}
}

// take makes the caller the one client; it fails when there was one before.
func (a *attachment) take() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.taken || a.ended {
		return false
	}
	a.taken = true
	return true
}

// relay copies both ways until the dyno has ended or the client is gone, which
// calls hangup; it returns when the client has everything.
func (a *attachment) relay(conn *net.UnixConn, hangup func()) {
	defer func() { _ = conn.Close() }()
	var once sync.Once
	read := make(chan struct{})
	go func() {
		defer close(read)
		a.copyIn(conn)
	}()
	go func() {
		if !waitHangup(conn) {
			return
		}
		select { // what the client has sent before comes first, unless the dyno does not take it
		case <-read:
		case <-time.After(time.Second):
		}
		once.Do(hangup)
	}()
	lost := false
	pump(a.out, func(data []byte) {
		if lost {
			return
		}
		if _, err := conn.Write(data); err != nil {
			lost = true
			once.Do(hangup)
		}
	})
	close(a.done)
}

// copyIn passes the client's input on until its end; the end of a pipe's is told to the dyno.
func (a *attachment) copyIn(conn *net.UnixConn) {
	buffer := make([]byte, 16<<10)
	for {
		n, err := conn.Read(buffer)
		if n > 0 {
			if _, e := a.in.Write(buffer[:n]); e != nil {
				return
			}
		}
		if err != nil {
			if a.in != a.out {
				_ = a.in.Close()
			}
			return
		}
	}
}

// waitHangup blocks until the client has closed its connection whole, as
// opposed to its sending half; false: it cannot be told.
func waitHangup(conn *net.UnixConn) bool {
	raw, err := conn.SyscallConn()
	if err != nil {
		return false
	}
	for {
		gone := false
		err := raw.Control(func(fd uintptr) {
			poll := []unix.PollFd{{Fd: int32(fd)}}
			_, _ = unix.Poll(poll, 0)
			gone = poll[0].Revents&(unix.POLLHUP|unix.POLLERR) != 0
		})
		if err != nil {
			return false // closed by ourselves: the dyno has ended
		}
		if gone {
			return true
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// end is called after the dyno's last process is gone. What nobody has read is
// kept in a file; a client that is there gets it from relay.
func (a *attachment) end(left string) {
	a.mu.Lock()
	a.ended = true
	taken := a.taken
	a.mu.Unlock()
	_ = a.out.SetReadDeadline(time.Now())
	if taken {
		return
	}
	var kept []byte
	drainNow(a.out, make([]byte, 32<<10), func(data []byte) {
		kept = append(kept, data[:min(len(data), leftBytes-len(kept))]...)
	})
	_ = os.WriteFile(left, kept, 0o600)
	close(a.done)
}
