package testenv

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Internet is a network namespace with addresses of its own behind a link to
// this machine, for tests of who reaches what. It ends with the test.
type Internet struct {
	Space *os.File
	t     testing.TB
}

// NewInternet makes one. Addresses are IPv4, and routed there from this machine.
func NewInternet(t testing.TB, instance string, addresses ...string) *Internet {
	t.Helper()
	n := &Internet{t: t}
	if err := In(nil, func() (err error) { n.Space, err = fresh(); return err }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Space.Close() })
	name, space := "kw"+instance, fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), n.Space.Fd())
	n.run(fmt.Sprintf("ip link add %s type veth peer name eth0 netns %s && ip link set %s up", name, space, name))
	t.Cleanup(func() { n.run("ip link del " + name) })
	inside := "ip link set lo up; ip link set eth0 up; ip route add default dev eth0"
	for _, address := range addresses {
		inside += "; ip addr add " + address + "/32 dev eth0"
	}
	n.run(fmt.Sprintf("nsenter --net=%s sh -c '%s'", space, inside))
	for _, address := range addresses {
		n.run(fmt.Sprintf("ip route add %s/32 dev %s", address, name))
	}
	return n
}

// Listen accepts connections at an address of the namespace and closes them.
func (n *Internet) Listen(address string) {
	n.t.Helper()
	Listen(n.t, n.Space, address)
}

func (n *Internet) run(script string) {
	n.t.Helper()
	if out, err := exec.Command("sh", "-c", script).CombinedOutput(); err != nil {
		n.t.Fatalf("%s: %v\n%s", script, err, strings.TrimSpace(string(out)))
	}
}

// Listen accepts TCP connections in a network namespace, nil being this one's, closes
// them, and returns the address.
func Listen(t testing.TB, space *os.File, address string) string {
	t.Helper()
	var l net.Listener
	err := In(space, func() (err error) { l, err = net.Listen("tcp4", address); return err })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
	return l.Addr().String()
}

// In runs f with the thread in a network namespace; nil is this process's own.
func In(space *os.File, f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	own, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return err
	}
	defer own.Close()
	if space != nil {
		if err := unix.Setns(int(space.Fd()), unix.CLONE_NEWNET); err != nil {
			return err
		}
	}
	err = f()
	if back := unix.Setns(int(own.Fd()), unix.CLONE_NEWNET); back != nil {
		panic(back)
	}
	return err
}

// fresh moves the thread into a new namespace; In takes it back.
func fresh() (*os.File, error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return nil, err
	}
	return os.Open("/proc/thread-self/ns/net")
}
