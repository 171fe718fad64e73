package rendezvous

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// eot is what the official client sends when its standard input ends.
const eot = 0x04

const (
	eotWait  = 250 * time.Millisecond // how long an EOT behind other bytes may turn out to be data
	gonePoll = 2 * time.Second        // how often the kernel is asked for a client's end

	tcpClosed    = 7 // states of the kernel's tcp_states.h
	tcpCloseWait = 8 // the client has sent its end
)

// input copies from the client to the process.
//
// With a terminal all bytes pass, and the end of the connection hangs up. Without
// one, the end of standard input is a half-close, or an EOT: alone in its record,
// or last in a record with nothing behind it for eotWait, because the client may
// join its last writes. Any other EOT is data, so that binary input passes.
type input struct {
	in      *bufio.Reader
	conn    net.Conn
	gone    func()        // the client has left
	ready   chan struct{} // closed when session is set, or there will be none
	session *Session
	spoken  chan struct{} // closed by the client's EOT, or the end of what it sends
	once    sync.Once
}

// read is the client's next bytes.
func (i *input) read(p []byte) (int, error) {
	n, err := i.in.Read(p)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) || n > 0 && p[n-1] == eot {
		i.once.Do(func() { close(i.spoken) })
	}
	return n, err
}

// awaitEOT gives a client time to say that its input has ended.
func (i *input) awaitEOT(ctx context.Context) {
	select {
	case <-i.spoken:
	case <-time.After(farewell):
	case <-ctx.Done():
	}
}

// rest is what the client still sends when nobody wants it.
type rest struct{ *input }

func (r rest) Read(p []byte) (int, error) { return r.read(p) }

func (i *input) run() {
	if _, err := i.in.Peek(1); err != nil {
		select {
		case <-i.ready: // it may be the end of standard input
		default:
			i.gone() // nobody sends anything before the process is there, not even an end
		}
	}
	<-i.ready
	if i.session == nil {
		_, _ = io.Copy(io.Discard, rest{i})
		i.gone()
		return
	}
	end := i.copy()
	if end == left {
		i.gone()
		return
	}
	if end != refused {
		half, ok := i.session.Stream.(interface{ CloseWrite() error })
		if !ok || half.CloseWrite() != nil {
			i.gone()
			return
		}
	}
	// Read on, so that closing is no reset. Who ends its input by a half-close may
	// still listen; monitor looks after it. For all others the end is the end.
	_, _ = io.Copy(io.Discard, rest{i})
	if end != halfClosed {
		i.gone()
	}
}

// ending is why there is no more input.
type ending int

const (
	left       ending = iota // the client has gone
	halfClosed               // the client writes no more
	marked                   // the client has sent EOT
	refused                  // the process takes no more input
)

// copy passes bytes on until the input has ended.
func (i *input) copy() ending {
	buf := make([]byte, bufferSize)
	held := 0 // 1: an EOT that may be the end
	for {
		if held == 1 {
			_ = i.conn.SetReadDeadline(time.Now().Add(eotWait))
		}
		n, err := i.read(buf[held:])
		if held == 1 {
			_ = i.conn.SetReadDeadline(time.Time{})
			if n == 0 && errors.Is(err, os.ErrDeadlineExceeded) {
				return marked
			}
			if n == 0 && errors.Is(err, io.EOF) {
				return halfClosed
			}
		}
		n += held
		held = 0
		if i.session.NoTTY && n > 0 && buf[n-1] == eot {
			if n == 1 {
				return marked
			}
			held = 1
		}
		if n > held {
			if _, err := i.session.Stream.Write(buf[:n-held]); err != nil {
				return refused // its output goes on
			}
		}
		if held == 1 {
			buf[0] = eot
		}
		switch {
		case errors.Is(err, io.EOF) && i.session.NoTTY:
			return halfClosed
		case err != nil:
			return left
		}
	}
}

// monitor notices a client that has left while nobody reads from it: because its
// input has ended, or because the process takes none. With a terminal the client's
// end is the end; without one, its output may still be wanted.
func (i *input) monitor(ctx context.Context) {
	tick := time.NewTicker(gonePoll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		switch state := i.state(); {
		case state == tcpClosed:
			i.gone()
		case state == tcpCloseWait && i.attached() && !i.session.NoTTY:
			i.gone()
		}
	}
}

func (i *input) attached() bool {
	select {
	case <-i.ready:
		return i.session != nil
	default:
		return false
	}
}

// state is the connection's as the kernel has it; 0 when it cannot be known.
func (i *input) state() (state uint8) {
	conn := i.conn
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	t, ok := conn.(syscall.Conn)
	if !ok {
		return 0
	}
	raw, err := t.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) {
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			state = info.State
		}
	})
	return state
}
