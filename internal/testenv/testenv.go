// Package testenv gives tests what they need of the machine: root, and names and
// addresses that no other test on this machine uses at the same time.
package testenv

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// NeedsRoot skips the test without root; where CI is set, that fails it.
func NeedsRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		missing(t, "this test needs root")
	}
}

// NeedsProgram skips the test unless a program is installed, and returns its
// path; where CI is set, it fails.
func NeedsProgram(t testing.TB, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	missing(t, fmt.Sprintf("this test needs %s", names[0]))
	return ""
}

func missing(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// Place is a share of the machine: an instance id that names interfaces,
// control groups and tables, and a network of 1,024 addresses.
type Place struct {
	Instance string
	Subnet   netip.Prefix
}

// clear removes links of dynos that a killed test has left in the place's network.
func (p Place) clear() {
	routes, err := netlink.RouteList(nil, netlink.FAMILY_V4)
	if err != nil {
		return
	}
	for _, r := range routes {
		if r.Dst == nil {
			continue
		}
		if a, ok := netip.AddrFromSlice(r.Dst.IP.To4()); !ok || !p.Subnet.Contains(a) {
			continue
		}
		if l, err := netlink.LinkByIndex(r.LinkIndex); err == nil && strings.HasPrefix(l.Attrs().Name, "kg") {
			_ = netlink.LinkDel(l)
		}
	}
}

const places = 60

// NewPlace takes a free Place for the rest of the test. It is held by a file
// lock, so that a killed test gives it back. Where all are taken it waits for one.
func NewPlace(t testing.TB) Place {
	t.Helper()
	folder := filepath.Join(os.TempDir(), "kigo-test-places")
	if err := os.MkdirAll(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		for n := range places {
			file, err := os.OpenFile(filepath.Join(folder, fmt.Sprint(n)), os.O_CREATE|os.O_RDWR, 0o666)
			if err != nil {
				t.Fatal(err)
			}
			if unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
				t.Cleanup(func() { _ = file.Close() })
				p := Place{
					Instance: fmt.Sprintf("e%03x", n),
					Subnet:   netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 214, byte(n << 2), 0}), 22),
				}
				p.clear()
				return p
			}
			_ = file.Close()
		}
	}
	t.Fatalf("all %d places for tests are taken", places)
	return Place{}
}
