package oci_test

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/dyno"
	"github.com/kigo-dev/kigo/dyno/enginetest"
	"github.com/kigo-dev/kigo/internal/testenv"
	"github.com/kigo-dev/kigo/oci"
)

// TestWhatADynoReachesIsInTheGoldenFile runs the probe program (dyno/enginetest/probe)
// in each kind of launch. The golden file holds what is open, by kind; it is the same
// on each kernel and with cgroup v1 and v2.
func TestWhatADynoReachesIsInTheGoldenFile(t *testing.T) {
	t.Parallel()
	p := newProbed(t)
	kinds := []string{"web", "worker", "run", "release", "build", "images"}
	results := map[string][]string{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, kind := range kinds {
		l := p.as(kind)
		wg.Go(func() {
			lines := p.probe(l)
			mu.Lock()
			defer mu.Unlock()
			results[kind] = lines
		})
	}
	wg.Wait()
	open := map[string][]string{}
	for _, kind := range kinds {
		lines := results[kind]
		if len(lines) == 0 || !strings.HasPrefix(lines[len(lines)-1], "tried ") {
			t.Fatalf("the probe in %s did not end: %q", kind, lines)
		}
		if tried := lines[len(lines)-1]; len(lines) < 300 || fmt.Sprintf("tried %d", len(lines)-1) != tried {
			t.Errorf("%s: %d lines, %s", kind, len(lines)-1, tried)
		}
		for _, line := range lines {
			if name, ok := strings.CutPrefix(line, "open "); ok {
				open[name] = append(open[name], kind)
			}
		}
	}
	var text strings.Builder
	text.WriteString("# What the probe reaches from inside a dyno, and in which kinds of launch where not in all.\n")
	for _, name := range sortedKeys(open) {
		if who := open[name]; len(who) == len(kinds) {
			fmt.Fprintln(&text, name)
		} else {
			fmt.Fprintf(&text, "%s: %s\n", name, strings.Join(who, " "))
		}
	}
	const golden = "testdata/reach.txt"
	if *oci.Update {
		if err := os.WriteFile(golden, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(text.String(), "\n")); diff != "" {
		t.Errorf("what a dyno reaches (-want +got):\n%s", diff)
	}
}

func sortedKeys(m map[string][]string) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// probed is a rig with something around it to reach: a public address, the
// machine's own network, another app's dyno with a file and a port.
type probed struct {
	*rig
	args []string
	mu   sync.Mutex
	next int
}

func newProbed(t *testing.T) *probed {
	place := testenv.NewPlace(t)
	number := place.Subnet.Addr().As4()[2] >> 2
	public, hidden := fmt.Sprintf("203.0.113.%d", number+100), fmt.Sprintf("172.29.%d.1", number)
	far := testenv.NewInternet(t, place.Instance, public, hidden)
	for _, address := range []string{public + ":80", public + ":25", hidden + ":80"} {
		far.Listen(address)
	}
	r := newRigWith(t, func(c *oci.Config) { c.HostPorts = []uint16{} })
	host := testenv.Listen(t, nil, "0.0.0.0:0")
	port := host[strings.LastIndexByte(host, ':')+1:]
	other := r.launch("testapp", "serve")
	other.Port, other.UIDBase = 5000, other.UIDBase+kigo.UIDRange
	r.start(other)
	address := r.await(other.ID, kigo.RunReady).Address
	gateway := lastAddress(r.config.Subnet).String()
	return &probed{rig: r, args: []string{
		"public=" + public + ":80", "mail of the world=" + public + ":25", "the LAN=" + hidden + ":80", "another private network=192.168.254.254:80",
		"a metadata service=169.254.169.254:80", "this machine by its gateway address=" + gateway + ":" + port, "this machine by its loopback=127.0.0.1:" + port,
		"another app's dyno=" + address + ":5000", "another app's address=@" + address, "an address of the world=@198.51.100.7", "the gateway's address=@" + gateway,
		"the platform's data=" + r.config.Dir, "another app's disk=" + filepath.Join(r.config.Dir, "dynos", string(other.ID)), "the mounted images=" + filepath.Join(r.config.Dir, "mounts"),
	}}
}

// lastAddress is the host's own in a network of dynos.
func lastAddress(p netip.Prefix) netip.Addr {
	b := p.Addr().As4()
	for i := p.Bits(); i < 32; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	return netip.AddrFrom4(b)
}

// as is a launch such as the platform makes for that kind of process.
func (p *probed) as(kind string) kigo.Launch {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next++
	app := kigo.App{ID: "app", UIDBase: kigo.UIDFirst + 4000*kigo.UIDRange}
	d := kigo.Dyno{ID: kigo.DynoID(fmt.Sprintf("probe-%s-%d", p.config.Instance, p.next)), App: app.ID, Type: kind, Number: 1, Size: kigo.DefaultSize, Command: "probe"}
	switch kind {
	case "run":
		d.OneOff, d.Attach.Wanted = true, true
	case "release":
		d.OneOff = true
	}
	l, err := dyno.Plan{App: app, Dyno: d, Slug: kigo.Slug{Digest: p.images.Slug.Digest}, Stack: p.images.Stack}.Launch()
	if err != nil {
		p.Fatal(err)
	}
	if kind == "build" || kind == "images" {
		l.Builder = kind == "images"
		l.ID, l.Slug, l.TTY, l.Port = "build-"+l.ID, kigo.Image{}, nil, 0
		source, target := p.TempDir(), p.TempDir()
		owner := int(l.UIDBase) + oci.User
		for _, dir := range []string{source, target} {
			if err := os.Chown(dir, owner, owner); err != nil {
				p.Fatal(err)
			}
		}
		l.Binds = []kigo.Bind{{Source: source, Target: "/tmp/home"}, {Source: target, Target: "/tmp/build", Writable: true}}
	}
	l.Command, l.Env = append([]string{"probe"}, p.args...), []string{"PATH=/bin"}
	l.Boot = time.Minute
	return l
}

// probe runs the program and returns what it says, without the terminal's line ends.
func (p *probed) probe(l kigo.Launch) []string {
	p.start(l)
	var lines []string
	if l.TTY != nil {
		conn, err := p.engine.Attach(context.Background(), l.ID)
		if err != nil {
			p.Error(err)
			return nil
		}
		defer conn.Close()
		read := lineReader(p, conn)
		for {
			lines = append(lines, read())
			if strings.HasPrefix(lines[len(lines)-1], "tried ") {
				return lines
			}
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*enginetest.Deadline)
	defer cancel()
	if err := p.engine.Logs(ctx, l.ID, 0, func(l kigo.OutputLine) { lines = append(lines, l.Text) }); err != nil {
		p.Error(err)
	}
	return lines
}
