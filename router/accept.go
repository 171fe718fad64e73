package router

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// acceptor takes connections from one listener. What Go's own does for each
// connection (five socket options, two registrations, a goroutine with a small
// stack) costs a fifth of a request that has a connection for itself.
type acceptor struct {
	door   *door
	secure bool
	addr   net.Addr
	file   *os.File        // a copy of the listener's descriptor
	raw    syscall.RawConn // of file
}

// newAcceptor takes the listener's descriptor; connections inherit its options.
func newAcceptor(l net.Listener, secure bool) (*acceptor, error) {
	t, ok := l.(*net.TCPListener)
	if !ok {
		return nil, fmt.Errorf("listen: %T is no TCP listener", l)
	}
	file, err := t.File()
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	raw, err := file.SyscallConn()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen: %w", err), file.Close())
	}
	a := &acceptor{door: newDoor(l.Addr(), secure), secure: secure, addr: l.Addr(), file: file, raw: raw}
	_ = raw.Control(func(fd uintptr) { err = listening(int(fd)) })
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen: %w", err), file.Close())
	}
	return a, nil
}

// listening sets what all connections inherit. None is accepted before it has
// sent something, or been silent for a second: the first read finds its request.
func listening(fd int) error {
	return errors.Join(unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1),
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 1), unix.SetNonblock(fd, true))
}

// wait returns the next connection. It fails with net.ErrClosed after close.
func (a *acceptor) wait() (s *socket, err error) {
	failed := a.raw.Read(func(fd uintptr) bool {
		s, err = a.take(int(fd))
		return s != nil || err != nil
	})
	if failed != nil {
		return nil, net.ErrClosed
	}
	return s, err
}

// try returns a connection that is there already, or nil.
func (a *acceptor) try() (s *socket) {
	_ = a.raw.Control(func(fd uintptr) { s, _ = a.take(int(fd)) })
	return s
}

// take accepts once; neither connection nor error: there is none.
func (a *acceptor) take(listener int) (*socket, error) {
	for {
		fd, peer, err := acceptNow(listener)
		switch {
		case err == nil:
			return &socket{fd: fd, peer: peer, local: a.addr}, nil
		case errors.Is(err, unix.EAGAIN):
			return nil, nil
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.ECONNABORTED): // it has gone again
		default:
			return nil, fmt.Errorf("accept: %w", err)
		}
	}
}

func (a *acceptor) close() { _ = a.file.Close() }

// accept starts to serve connections until the acceptor is closed.
func (r *Router) accept(a *acceptor) {
	for {
		s, err := a.wait()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			r.log.Error("accept failed", "error", err)
			time.Sleep(tick) // out of descriptors, mostly: others end meanwhile
		default:
			r.workers.Add(1)
			go r.work(a, s)
		}
	}
}

// work serves one client, and then those that wait to be accepted: the goroutine
// has the stack that a request needs already.
func (r *Router) work(a *acceptor, s *socket) {
	defer r.workers.Add(-1)
	for ; s != nil; s = a.try() {
		if r.served.Add(1); r.count() >= int(r.limits.Clients) {
			_ = s.Close()
			continue
		}
		c := r.newClient(a, s)
		r.mu.Lock()
		r.conns[c] = struct{}{}
		r.mu.Unlock()
		c.begin()
	}
}
