package network

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"text/template"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo"
)

// MaxConnections bounds a dyno's connections to elsewhere at one time.
const MaxConnections = 4096

type ruleValues struct {
	Table, Links, Subnet      string
	Resolvers, Allow, Blocked []string
	HostPorts                 []uint16
	MaxConnections            int
	Apps                      []appRules
}

// The chains touch packets of this instance's links only: other tables on the
// host, and other instances, keep their own policy.
var ruleText = template.Must(template.New("rules").Funcs(template.FuncMap{"list": list, "elements": elements}).Parse(`add table inet {{.Table}}
delete table inet {{.Table}}
table inet {{.Table}} {
	set connections { type ipv4_addr; size 65536; flags dynamic; }
{{- range .Apps}}
	chain {{.Chain}} {
{{- range .Rules}}
		{{.}}
{{- end}}
	}
{{- end}}
{{- if .Apps}}
	map apps {
		type ipv4_addr : verdict
		elements = { {{elements .Apps}} }
	}
{{- end}}

	chain prerouting {
		type filter hook prerouting priority raw; policy accept;
		iifname "{{.Links}}" jump from_link
	}
	chain from_link {
		meta nfproto ipv6 counter drop
		fib saddr . iif oif 0 counter drop
		ip frag-off & 0x1fff != 0 counter drop
	}
	chain input {
		type filter hook input priority filter; policy accept;
		iifname "{{.Links}}" jump to_host
	}
	chain to_host {
		ct state established,related accept
{{- if .Resolvers}}
		ip daddr { {{list .Resolvers}} } meta l4proto { tcp, udp } th dport 53 accept
{{- end}}
{{- range .HostPorts}}
		tcp dport {{.}} accept
{{- end}}
		counter reject with icmpx admin-prohibited
	}
	chain forward {
		type filter hook forward priority filter; policy accept;
		iifname "{{.Links}}" jump to_world
		oifname "{{.Links}}" jump to_dyno
	}
	chain to_dyno {
		ct state established,related accept
		counter drop
	}
	chain to_world {
		ct state established,related accept
		ct state invalid counter drop
		oifname "{{.Links}}" counter reject with icmpx admin-prohibited
{{- if .Resolvers}}
		ip daddr { {{list .Resolvers}} } meta l4proto { tcp, udp } th dport 53 accept
{{- end}}
{{- if .Apps}}
		ip saddr vmap @apps
{{- end}}
{{- if .Allow}}
		ip daddr { {{list .Allow}} } accept
{{- end}}
		ip daddr { {{list .Blocked}} } counter reject with icmpx admin-prohibited
		tcp dport 25 counter reject with icmpx admin-prohibited
		ct state new add @connections { ip saddr ct count over {{.MaxConnections}} } counter reject with icmpx admin-prohibited
		accept
	}
	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr {{.Subnet}} oifname != "{{.Links}}" masquerade
	}
}
`))

func list(items []string) string { return strings.Join(items, ", ") }

// elements are the map from dynos' addresses to their apps' chains.
func elements(apps []appRules) string {
	var all []string
	for _, a := range apps {
		for _, address := range a.Addresses {
			all = append(all, address+" : jump "+a.Chain)
		}
	}
	return list(all)
}

// render writes the rules for nft. neighbours are the networks that the host is
// directly connected to: its LAN is as closed to dynos as private ranges are.
func (n *Network) render(neighbours []netip.Prefix, apps []appRules) (string, error) {
	v := ruleValues{
		Table: n.table(), Links: n.prefix() + "*", Subnet: n.config.Subnet.String(),
		MaxConnections: MaxConnections, HostPorts: n.config.HostPorts,
	}
	resolvers, _ := n.Resolvers()
	for _, r := range resolvers {
		v.Resolvers = append(v.Resolvers, r.String())
	}
	for _, p := range n.config.Allow {
		v.Allow = append(v.Allow, p.String())
	}
	v.Blocked = blocked(append(neighbours, n.config.Subnet))
	v.Apps = apps
	var text bytes.Buffer
	err := ruleText.Execute(&text, v)
	return text.String(), err
}

// blocked joins the private ranges with more networks; nft refuses overlaps.
func blocked(more []netip.Prefix) []string {
	all := slices.Clone(kigo.PrivateRanges)
	for _, p := range more {
		if !slices.ContainsFunc(all, p.Overlaps) {
			all = append(all, p)
		}
	}
	var text []string
	for _, p := range all {
		text = append(text, p.String())
	}
	return text
}

// neighbours reads the directly connected IPv4 networks from the main routes.
func (n *Network) neighbours() ([]netip.Prefix, error) {
	routes, err := complete(func() ([]netlink.Route, error) {
		return netlink.RouteListFiltered(unix.AF_INET, &netlink.Route{Table: unix.RT_TABLE_MAIN}, netlink.RT_FILTER_TABLE)
	})
	if err != nil {
		return nil, fmt.Errorf("list routes: %w", err)
	}
	var found []netip.Prefix
	for _, r := range routes {
		if r.Dst == nil || r.Gw != nil || r.Scope != netlink.SCOPE_LINK {
			continue
		}
		ones, _ := r.Dst.Mask.Size()
		a, ok := netip.AddrFromSlice(r.Dst.IP.To4())
		if p := netip.PrefixFrom(a, ones); ok && ones > 0 && ones < 32 {
			found = append(found, p.Masked())
		}
	}
	slices.SortFunc(found, func(a, b netip.Prefix) int { return a.Addr().Compare(b.Addr()) })
	return found, nil
}

func (n *Network) table() string { return "kigo_" + n.config.Instance }

// ensureRules loads the rules unless the kernel still prints what it printed
// after the last time.
func (n *Network) ensureRules(ctx context.Context) error {
	neighbours, err := n.neighbours()
	if err != nil {
		return err
	}
	n.filter.Lock()
	defer n.filter.Unlock()
	apps := n.appChains()
	text, err := n.render(neighbours, apps)
	if err != nil {
		return fmt.Errorf("render rules: %w", err)
	}
	same := strings.HasPrefix(n.loaded, text)
	if n.loaded != "" && n.loaded == text+n.listRules(ctx) {
		return nil
	}
	if n.loaded != "" && same {
		n.log.Warn("packet filter was changed by others, loading it again", "table", n.table())
	}
	if err := nft(ctx, text, "-f", "-"); err != nil {
		return fmt.Errorf("load packet filter: %w", err)
	}
	n.loaded = text + n.listRules(ctx)
	n.holds(apps)
	return nil
}

// listRules is the table as the kernel has it, without counters and connections.
func (n *Network) listRules(ctx context.Context) string {
	out, _ := exec.CommandContext(ctx, "nft", "-s", "-t", "list", "table", "inet", n.table()).Output()
	if !bytes.Contains(out, []byte("map apps")) {
		return string(out)
	}
	apps, _ := exec.CommandContext(ctx, "nft", "-s", "list", "map", "inet", n.table(), "apps").Output()
	return string(out) + string(apps)
}

// Remove takes the packet filter and what is left of links away.
func (n *Network) Remove(ctx context.Context) error {
	n.filter.Lock()
	n.loaded = ""
	n.filter.Unlock()
	if err := errors.Join(n.removeLinks(), n.removeBarrier()); err != nil {
		return err
	}
	table := n.table()
	return nft(ctx, "add table inet "+table+"\ndelete table inet "+table+"\n", "-f", "-")
}

func nft(ctx context.Context, input string, args ...string) error {
	cmd := exec.CommandContext(ctx, "nft", args...)
	cmd.Stdin = strings.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("nft: %w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}
