package router

import (
	"io"
	"syscall"

	"golang.org/x/sys/unix"
)

// lazyReader reads from a wire into a buffer that exists only while there is
// data, so that idle connections and tunnels hold none.
type lazyReader struct {
	w   *wire
	b   *buffer
	err error
	try func(fd uintptr) bool // nil where there is no plain socket
}

// read returns a buffer with data, which is the caller's to free, or an error.
func (l *lazyReader) read() (*buffer, error) {
	if !l.w.plain {
		b := newBuffer()
		n, err := b.fill(l.w)
		if n > 0 {
			return b, nil
		}
		b.free()
		return nil, err
	}
	if l.try == nil {
		l.try = l.attempt
	}
	if err := l.w.raw.Read(l.try); err != nil {
		return nil, err
	}
	b, err := l.b, l.err
	l.b, l.err = nil, nil
	return b, err
}

// attempt is called by the runtime when the socket may have data; false waits.
func (l *lazyReader) attempt(fd uintptr) bool {
	b := newBuffer()
	n, failed := readNow(int(fd), b.b)
	switch {
	case n > 0:
		b.w, l.b = n, b
		return true
	case failed == syscall.EAGAIN:
		b.free()
		return false
	case failed == 0:
		l.err = io.EOF
	default:
		l.err = failed
	}
	b.free()
	return true
}

// readable waits until there is something to read, or its end, on a plain socket.
func (w *wire) readable() error {
	if w.stream != nil {
		return w.stream.readable()
	}
	if !w.plain {
		return nil
	}
	return w.raw.Read(func(uintptr) bool { return w.poll(unix.POLLIN|unix.POLLRDHUP) != 0 })
}

// writable waits until the peer has room for more, so that nothing is read, and
// held, for one that takes nothing.
func (w *wire) writable() error {
	if w.stream != nil {
		return w.stream.writable()
	}
	if w.raw == nil || w.poll(unix.POLLOUT) != 0 {
		return nil
	}
	return w.raw.Write(func(uintptr) bool { return w.poll(unix.POLLOUT) != 0 })
}
