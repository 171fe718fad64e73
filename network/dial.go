package network

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// Dial connects by TCP from inside a network namespace that Create made: loopback
// is the namespace's own, and the packet filter holds for the rest.
func Dial(ctx context.Context, space *os.File, to netip.AddrPort) (conn net.Conn, err error) {
	err = within(space, func() (err error) {
		// For one address the dialer makes its socket on the calling thread.
		conn, err = new(net.Dialer).DialContext(ctx, "tcp", to.String())
		return err
	})
	return conn, err
}

// within runs f on a thread inside a network namespace: sockets that f makes are there.
func within(space *os.File, f func() error) error {
	runtime.LockOSThread()
	own, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer own.Close()
	if err := unix.Setns(int(space.Fd()), unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("enter network namespace: %w", err)
	}
	defer func() {
		if back := unix.Setns(int(own.Fd()), unix.CLONE_NEWNET); back != nil {
			panic(fmt.Sprintf("network: a thread cannot return to its namespace: %v", back)) // it must run nothing else
		}
		runtime.UnlockOSThread()
	}()
	return f()
}
