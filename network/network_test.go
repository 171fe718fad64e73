package network

import (
	"flag"
	"net/netip"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kigo-dev/kigo"
)

var update = flag.Bool("update", false, "rewrite golden files")

func newNetwork(t testing.TB, change func(*Config)) *Network {
	t.Helper()
	c := Config{
		Instance: "1a2b", Subnet: netip.MustParsePrefix("10.213.0.0/16"),
		Resolvers: []netip.Addr{netip.MustParseAddr("10.255.255.53")},
	}
	if change != nil {
		change(&c)
	}
	n, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRulesAreAsInTheGoldenFile(t *testing.T) {
	n := newNetwork(t, func(c *Config) {
		c.Allow = []netip.Prefix{netip.MustParsePrefix("192.168.7.0/24")}
		c.HostPorts = []uint16{80, 443}
	})
	n.SetEgress(map[kigo.AppID][]kigo.EgressRule{
		"one": {rule(false, "0.0.0.0/0"), rule(true, "192.168.9.0/24"), granted("10.9.0.5:5432")}, "two": {rule(false, "203.0.113.7:443")}, "none-here": {rule(false, "0.0.0.0/0")},
	})
	for address, app := range map[string]kigo.AppID{"10.213.0.9": "one", "10.213.0.4": "one", "10.213.0.5": "two", "10.213.0.6": "without"} {
		n.Owner(netip.MustParseAddr(address), app)
	}
	got, err := n.render([]netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("10.1.0.0/16")}, n.appChains())
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/rules.nft"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("rules differ (-want +got):\n%s", diff)
	}
}

func TestAddressesAreGivenOnceAndNotReusedAtOnce(t *testing.T) {
	n := newNetwork(t, func(c *Config) { c.Subnet = netip.MustParsePrefix("10.213.4.0/24") })
	first, err := n.Allocate()
	if err != nil || first != netip.MustParseAddr("10.213.4.1") {
		t.Fatalf("first address %s, %v", first, err)
	}
	n.Free(first)
	seen := map[netip.Addr]bool{}
	for range 254 {
		a, err := n.Allocate()
		if err != nil {
			t.Fatal(err)
		}
		if seen[a] || a == n.Gateway() || !n.config.Subnet.Contains(a) {
			t.Fatalf("address %s", a)
		}
		seen[a] = true
	}
	if len(seen) != 254 || !seen[first] {
		t.Errorf("%d addresses of 254", len(seen))
	}
	if a, err := n.Allocate(); err == nil {
		t.Errorf("a full network gave %s", a)
	}
}

func TestClaimedAddressesAreNotGivenAway(t *testing.T) {
	n := newNetwork(t, nil)
	n.Claim(netip.MustParseAddr("10.213.0.1"))
	n.Claim(netip.MustParseAddr("192.168.0.1")) // of another network: ignored
	if a, err := n.Allocate(); err != nil || a != netip.MustParseAddr("10.213.0.2") {
		t.Errorf("allocated %s, %v", a, err)
	}
}

func TestLinkNamesFitTheKernel(t *testing.T) {
	n := newNetwork(t, func(c *Config) { c.Subnet = netip.MustParsePrefix("10.0.0.0/8") })
	if name := n.link(netip.MustParseAddr("10.255.255.254")); name != "kg1a2b-16777214" || len(name) > 15 {
		t.Errorf("link %q", name)
	}
}

func TestOnlyReachableResolversAreUsed(t *testing.T) {
	servers, options := parseResolvers("# c\nnameserver 127.0.0.53\nnameserver 10.0.0.1\nnameserver fe80::1\nsearch a b\noptions edns0\nnameserver\n")
	if diff := cmp.Diff([]string{"10.0.0.1"}, []string{servers[0].String()}); diff != "" || len(servers) != 1 {
		t.Errorf("servers %v", servers)
	}
	if diff := cmp.Diff([]string{"search a b", "options edns0"}, options); diff != "" {
		t.Error(diff)
	}
}

func TestWrongSettingsAreRefused(t *testing.T) {
	for _, c := range []Config{
		{Instance: "xyz", Subnet: netip.MustParsePrefix("10.0.0.0/16")},
		{Instance: "12345", Subnet: netip.MustParsePrefix("10.0.0.0/16")},
		{Instance: "1234", Subnet: netip.MustParsePrefix("10.0.0.0/28")},
		{Instance: "1234", Subnet: netip.MustParsePrefix("10.0.0.1/16")},
		{Instance: "1234", Subnet: netip.MustParsePrefix("fd00::/64")},
		{Instance: "1234"},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
}

// rule is one that an app's own people made.
func rule(allow bool, text string) kigo.EgressRule {
	target, port, err := kigo.ParseEgressTarget(text)
	if err != nil {
		panic(err)
	}
	return kigo.EgressRule{Allow: allow, Target: target, Port: port}
}

// granted is one that an operator made.
func granted(text string) kigo.EgressRule {
	r := rule(true, text)
	r.Operator = true
	return r
}
