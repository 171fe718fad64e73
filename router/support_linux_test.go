package router

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// shrinkQueue lets a listening socket hold one connection that nobody accepted.
func shrinkQueue(fd int) { _ = unix.Listen(fd, 0) }

// sharedListener and dup are a supervisor's: the socket stays open while routers
// come and go.
func sharedListener(t *testing.T) *net.TCPListener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.(*net.TCPListener)
}

func dup(t *testing.T, l *net.TCPListener) []net.Listener {
	t.Helper()
	f, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	copied, err := net.FileListener(f)
	if err != nil {
		t.Fatal(err)
	}
	return []net.Listener{copied}
}
