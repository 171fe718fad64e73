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
//
// Each call holds a thread until it has connected, so that few go on at once; the
// others wait for their turn.
func Dial(ctx context.Context, space *os.File, to netip.AddrPort) (conn net.Conn, err error) {
	select {
	case dialing <- struct{}{}:
		defer func() { <-dialing }()
	case <-ctx.Done():
		return nil, fmt.Errorf("connect to %s: %w", to, ctx.Err())
	}
	err = within(space, func() (err error) {
		// For one address the dialer makes its socket on the calling thread.
		conn, err = new(net.Dialer).DialContext(ctx, "tcp", to.String())
		return err
	})
	return conn, err
}

// dialing bounds how many threads wait inside namespaces: the runtime ends a
// process that has too many.
var dialing = make(chan struct{}, 64)

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
