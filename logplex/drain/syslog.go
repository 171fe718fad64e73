package drain

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo"
)

// Pace of a syslog connection.
const (
	ackTimeout = 20 * time.Second // for the receiver's machine to take a whole frame
	ackPoll    = time.Millisecond
	ackPollMax = 50 * time.Millisecond
)

var errNotTaken = errors.New("receiver took nothing for too long")

// wire sends frames as syslog over TCP, octet-counted. Syslog has no answer, so
// a frame counts as delivered when the receiver's machine has acknowledged its
// last byte; what a receiver loses after that, nobody can know.
type wire struct {
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	address string
	tls     *tls.Config // nil: plain
	token   string

	conn   net.Conn
	socket *net.TCPConn
	gone   *atomic.Bool // the receiver has closed the connection
}

func (w *wire) frame(lines []kigo.LogLine, lost loss, spare []byte) *frame {
	return newFrame(w.token, lines, lost, spare)
}

func (w *wire) done() bool { return true }

func (w *wire) send(ctx context.Context, f *frame) error {
	if w.conn != nil && w.left() {
		w.close()
	}
	if w.conn == nil {
		if err := w.open(ctx); err != nil {
			return err
		}
	}
	err := w.write(ctx, f.Body)
	if err != nil {
		w.close()
	}
	return err
}

func (w *wire) open(ctx context.Context) error {
	conn, err := w.dial(ctx, "tcp", w.address)
	if err != nil {
		return err
	}
	socket, ok := conn.(*net.TCPConn)
	if !ok {
		return errors.Join(fmt.Errorf("connect: %T is not TCP", conn), conn.Close())
	}
	if w.tls != nil {
		secured := tls.Client(conn, w.tls)
		ctx, cancel := context.WithTimeout(ctx, ackTimeout)
		defer cancel()
		if err := secured.HandshakeContext(ctx); err != nil {
			return errors.Join(err, conn.Close())
		}
		conn = secured
	}
	w.conn, w.socket, w.gone = conn, socket, new(atomic.Bool)
	go func(gone *atomic.Bool) { // a receiver says nothing; a read ends when it goes
		defer gone.Store(true)
		var b [512]byte
		for {
			if _, err := conn.Read(b[:]); err != nil {
				return
			}
		}
	}(w.gone)
	return nil
}

func (w *wire) write(ctx context.Context, body []byte) error {
	defer context.AfterFunc(ctx, func() { _ = w.socket.SetDeadline(time.Now()) })()
	deadline := time.Now().Add(ackTimeout)
	if err := w.conn.SetWriteDeadline(deadline); err != nil {
		return err
	}
	if _, err := w.conn.Write(body); err != nil {
		return err
	}
	for pause := ackPoll; ; pause = min(2*pause, ackPollMax) {
		waiting, err := w.unacknowledged()
		switch {
		case err != nil:
			return err
		case w.left():
			return net.ErrClosed
		case waiting == 0:
			return nil
		case time.Now().After(deadline):
			return errNotTaken
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// left reports whether the receiver has gone. The kernel knows it first: what is written
// then is thrown away, and waits for nothing.
func (w *wire) left() bool {
	if w.gone.Load() {
		return true
	}
	raw, err := w.socket.SyscallConn()
	if err != nil {
		return true
	}
	var info *unix.TCPInfo
	if e := raw.Control(func(fd uintptr) { info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) }); e != nil || err != nil {
		return true
	}
	return info.State != unix.BPF_TCP_ESTABLISHED
}

// unacknowledged is how many bytes the receiver's machine has not confirmed.
func (w *wire) unacknowledged() (n int, err error) {
	raw, err := w.socket.SyscallConn()
	if err != nil {
		return 0, err
	}
	if e := raw.Control(func(fd uintptr) { n, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) }); e != nil {
		return 0, e
	}
	return n, err
}

func (w *wire) close() {
	if w.conn != nil {
		_ = w.conn.Close()
		w.conn = nil
	}
}
