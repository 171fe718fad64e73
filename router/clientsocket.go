package router

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// transport is the TCP connection below a wire.
type transport interface {
	net.Conn
	SyscallConn() (syscall.RawConn, error)
	CloseWrite() error
	SetLinger(seconds int) error
}

// socket is a client's connection. It tells the runtime's poller of itself only
// when it has to wait for the first time: who asks once and leaves has mostly
// sent its request before it is accepted, and never waits.
type socket struct {
	fd    int
	peer  netip.AddrPort
	local net.Addr
	file  atomic.Pointer[os.File] // by which it waits; nil: it has not waited yet

	mu       sync.Mutex      // of enrolment
	raw      syscall.RawConn // of file
	cutRead  atomic.Bool     // a deadline that has passed
	cutWrite atomic.Bool     // the same
	closed   atomic.Bool
}

// enrol has the poller watch the socket.
func (s *socket) enrol() (*os.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.file.Load(); f != nil {
		return f, nil
	}
	if s.closed.Load() {
		return nil, net.ErrClosed
	}
	f := os.NewFile(uintptr(s.fd), "")
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	s.raw = raw
	s.file.Store(f)
	if s.cutRead.Load() {
		_ = f.SetReadDeadline(longAgo)
	}
	if s.cutWrite.Load() {
		_ = f.SetWriteDeadline(longAgo)
	}
	return f, nil
}

// Read waits for bytes.
func (s *socket) Read(p []byte) (int, error) {
	f := s.file.Load()
	if f == nil {
		if len(p) == 0 {
			return 0, nil
		}
		if n, err, tried := s.first(&s.cutRead, readNow, p); tried {
			if n == 0 && err == nil {
				err = io.EOF
			}
			return n, err
		}
		var err error
		if f, err = s.enrol(); err != nil {
			return 0, err
		}
	}
	return f.Read(p)
}

// Write takes all of p, or fails.
func (s *socket) Write(p []byte) (int, error) { return s.write(p, writeNow) }

// WriteLast is Write for what is closed at once afterwards.
func (s *socket) WriteLast(p []byte) (int, error) { return s.write(p, sendLast) }

func (s *socket) write(p []byte, call func(int, []byte) (int, syscall.Errno)) (int, error) {
	done, err, tried := s.first(&s.cutWrite, call, p)
	if tried && (err != nil || done == len(p)) {
		return done, err
	}
	f, err := s.enrol()
	if err != nil {
		return done, err
	}
	n, err := f.Write(p[done:])
	return done + n, err
}

// first tries a call without the poller; tried is false when it would wait.
func (s *socket) first(cut *atomic.Bool, call func(int, []byte) (int, syscall.Errno), p []byte) (n int, err error, tried bool) { //nolint:revive // err of a call that was tried
	switch {
	case cut.Load():
		return 0, os.ErrDeadlineExceeded, true
	case s.closed.Load():
		return 0, net.ErrClosed, true
	}
	switch n, failed := call(s.fd, p); failed {
	case 0:
		return n, nil, true
	case syscall.EAGAIN:
		return 0, nil, false
	default:
		return 0, failed, true
	}
}

// Close ends the connection; the first call counts.
func (s *socket) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed.Swap(true) {
		return net.ErrClosed
	}
	if f := s.file.Load(); f != nil {
		return f.Close()
	}
	return closeNow(s.fd)
}

// CloseWrite says that we send no more.
func (s *socket) CloseWrite() error { return unix.Shutdown(s.fd, unix.SHUT_WR) }

// SetLinger is that of net.TCPConn.
func (s *socket) SetLinger(seconds int) error {
	return unix.SetsockoptLinger(s.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1, Linger: int32(seconds)})
}

// LocalAddr is the listener's.
func (s *socket) LocalAddr() net.Addr { return s.local }

// RemoteAddr is the client's, or that of a proxy before us.
func (s *socket) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(s.peer) }

// SetDeadline is that of net.Conn.
func (s *socket) SetDeadline(t time.Time) error {
	return errors.Join(s.SetReadDeadline(t), s.SetWriteDeadline(t))
}

// SetReadDeadline is that of net.Conn.
func (s *socket) SetReadDeadline(t time.Time) error {
	return s.until(t, &s.cutRead, (*os.File).SetReadDeadline)
}

// SetWriteDeadline is that of net.Conn.
func (s *socket) SetWriteDeadline(t time.Time) error {
	return s.until(t, &s.cutWrite, (*os.File).SetWriteDeadline)
}

// until may be called beside a Read or Write: either finds what the other has stored.
func (s *socket) until(t time.Time, cut *atomic.Bool, set func(*os.File, time.Time) error) error {
	past := !t.IsZero() && t.Before(time.Now())
	cut.Store(past)
	f := s.file.Load()
	if f == nil && !t.IsZero() && !past {
		var err error
		if f, err = s.enrol(); err != nil {
			return err
		}
	}
	if f == nil {
		return nil
	}
	return set(f, t)
}

// SyscallConn gives calls their turn at the descriptor.
func (s *socket) SyscallConn() (syscall.RawConn, error) { return (*rawSocket)(s), nil }

// rawSocket is a socket as a syscall.RawConn: a call is tried before the poller
// hears of the socket.
type rawSocket socket

// Control is that of syscall.RawConn.
func (r *rawSocket) Control(f func(fd uintptr)) error {
	f(uintptr(r.fd))
	return nil
}

// Read is that of syscall.RawConn.
func (r *rawSocket) Read(f func(fd uintptr) bool) error {
	raw, err := r.await(&r.cutRead, f)
	if raw == nil {
		return err
	}
	return raw.Read(f)
}

// Write is that of syscall.RawConn.
func (r *rawSocket) Write(f func(fd uintptr) bool) error {
	raw, err := r.await(&r.cutWrite, f)
	if raw == nil {
		return err
	}
	return raw.Write(f)
}

// await returns what to wait with, or nil when f has done all.
func (r *rawSocket) await(cut *atomic.Bool, f func(fd uintptr) bool) (syscall.RawConn, error) {
	s := (*socket)(r)
	if s.file.Load() == nil {
		if cut.Load() {
			return nil, os.ErrDeadlineExceeded
		}
		if s.closed.Load() {
			return nil, net.ErrClosed
		}
		if f(uintptr(s.fd)) {
			return nil, nil
		}
		if _, err := s.enrol(); err != nil {
			return nil, err
		}
	}
	return s.raw, nil
}
