package network

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo/internal/testenv"
)

// world is a host's view: two dynos, and a namespace that plays the internet
// (203.0.113.N) and private networks (172.31.N.1, and 172.30.N.1 which is allowed).
type world struct {
	t                       testing.TB
	network                 *Network
	one, two                *os.File
	first, second           netip.Addr
	public, hidden, allowed string
}

func TestDynosReachTheInternetAndNothingElse(t *testing.T) {
	w := newWorld(t)
	host := testenv.Listen(t, nil, "0.0.0.0:0")
	allowed := testenv.Listen(t, nil, fmt.Sprintf("0.0.0.0:%d", w.network.config.HostPorts[0]))
	_, hostPort, _ := net.SplitHostPort(host)
	_, allowedPort, _ := net.SplitHostPort(allowed)
	testenv.Listen(t, w.two, w.second.String()+":5000")
	gateway := w.network.Gateway().String()
	for _, c := range []struct {
		what, address string
		open          bool
	}{
		{"a public address", w.public + ":80", true},
		{"mail to the world", w.public + ":25", false},
		{"a private address", w.hidden + ":80", false},
		{"another private address, allowed", w.allowed + ":80", true},
		{"another dyno", w.second.String() + ":5000", false},
		{"the host by its gateway address", gateway + ":" + hostPort, false},
		{"a port of the host that is allowed", gateway + ":" + allowedPort, true},
		{"metadata", "169.254.169.254:80", false},
		{"an address of this network that nobody has", w.network.address(200).String() + ":80", false},
	} {
		err := w.dialFor(limit(c.open), w.one, nil, c.address)
		if (err == nil) != c.open {
			t.Errorf("%s (%s): %v, want open %v", c.what, c.address, err, c.open)
		}
	}
	if err := w.reach(nil, w.second.String()+":5000"); err != nil {
		t.Errorf("the host does not reach a dyno: %v", err)
	}
}

func TestADynoCannotUseAnotherAddress(t *testing.T) {
	w := newWorld(t)
	inside, err := netlink.NewHandleAt(netns.NsHandle(int(w.one.Fd())), unix.NETLINK_ROUTE)
	if err != nil {
		t.Fatal(err)
	}
	defer inside.Close()
	far, err := inside.LinkByName("eth0")
	if err != nil {
		t.Fatal(err)
	}
	for _, spoofed := range []netip.Addr{w.second, netip.MustParseAddr("198.51.100.7")} {
		if err := inside.AddrAdd(far, &netlink.Addr{IPNet: single(spoofed.AsSlice())}); err != nil {
			t.Fatal(err)
		}
		before := w.dropped()
		if err := w.dial(w.one, spoofed.AsSlice(), w.public+":80"); err == nil {
			t.Errorf("a dyno connected from %s", spoofed)
		}
		if w.dropped() == before {
			t.Errorf("no packet from %s was dropped as spoofed", spoofed)
		}
	}
}

func TestAFlushedPacketFilterIsLoadedAgain(t *testing.T) {
	w := newWorld(t)
	loaded := w.network.listRules(context.Background())
	for _, change := range []string{"delete table inet " + w.network.table(), "flush chain inet " + w.network.table() + " to_world"} {
		if err := nft(context.Background(), change+"\n", "-f", "-"); err != nil {
			t.Fatal(err)
		}
		if err := w.network.Ensure(context.Background()); err != nil {
			t.Fatal(err)
		}
		if got := w.network.listRules(context.Background()); got != loaded {
			t.Errorf("after %q:\n%s", change, got)
		}
	}
}

func TestAnUnusedPacketFilterIsLoadedOnce(t *testing.T) {
	w := newWorld(t)
	if err := w.reach(w.one, w.public+":80"); err != nil { // changes counters and the set of connections
		t.Fatal(err)
	}
	before := w.handle()
	if err := w.network.Ensure(context.Background()); err != nil {
		t.Fatal(err)
	}
	if after := w.handle(); after != before {
		t.Errorf("the table was replaced: %s, was %s", after, before)
	}
}

func newWorld(t testing.TB) *world {
	t.Helper()
	testenv.NeedsRoot(t)
	place := testenv.NewPlace(t)
	number := place.Subnet.Addr().As4()[2] >> 2
	n, err := New(Config{
		Instance: place.Instance, Subnet: place.Subnet, HostPorts: []uint16{7000 + uint16(number)},
		Allow: []netip.Prefix{netip.MustParsePrefix("172.30.0.0/16")}, Resolvers: []netip.Addr{},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, network: n, public: fmt.Sprintf("203.0.113.%d", number+1), hidden: fmt.Sprintf("172.31.%d.1", number), allowed: fmt.Sprintf("172.30.%d.1", number)}
	t.Cleanup(func() {
		if err := n.Remove(context.Background()); err != nil {
			t.Error(err)
		}
	})
	w.one, w.first = w.dyno()
	w.two, w.second = w.dyno()
	w.internet(place.Instance)
	return w
}

func (w *world) dyno() (*os.File, netip.Addr) {
	w.t.Helper()
	address, err := w.network.Allocate()
	if err != nil {
		w.t.Fatal(err)
	}
	space, err := w.network.Create(address)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = space.Close() })
	return space, address
}

// internet makes a namespace with listeners behind a link of its own.
func (w *world) internet(instance string) {
	w.t.Helper()
	far := testenv.NewInternet(w.t, instance, w.public, w.hidden, w.allowed)
	for _, address := range []string{w.public + ":80", w.public + ":25", w.hidden + ":80", w.allowed + ":80"} {
		far.Listen(address)
	}
}

// dial connects to what should be closed.
func (w *world) dial(space *os.File, from net.IP, address string) error {
	return w.dialFor(limit(false), space, from, address)
}

// reach connects to what should be open, when a lost packet is sent again too.
func (w *world) reach(space *os.File, address string) error {
	return w.dialFor(limit(true), space, nil, address)
}

func (w *world) dialFor(most time.Duration, space *os.File, from net.IP, address string) error {
	return testenv.In(space, func() error {
		d := net.Dialer{Timeout: most}
		if from != nil {
			d.LocalAddr = &net.TCPAddr{IP: from}
		}
		c, err := d.Dial("tcp4", address)
		if err == nil {
			_, _ = io.Copy(io.Discard, c)
			_ = c.Close()
		}
		return err
	})
}

func limit(open bool) time.Duration {
	if open {
		return 10 * time.Second
	}
	return time.Second
}

// dropped is the counter of the rule against wrong source addresses.
func (w *world) dropped() string {
	out, _ := exec.Command("nft", "list", "chain", "inet", w.network.table(), "from_link").Output()
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "fib") {
			return line
		}
	}
	w.t.Fatalf("no rule against wrong addresses:\n%s", out)
	return ""
}

// handle is the kernel's number of the table, which a replacement changes.
func (w *world) handle() string {
	out, _ := exec.Command("nft", "-a", "list", "table", "inet", w.network.table()).Output()
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}
