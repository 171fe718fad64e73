// Package network gives each dyno a network namespace of its own with one
// routed link to the host, and keeps the host's packet filter for them.
//
// There is no bridge: every dyno has a /32 address at the far end of a veth pair,
// so that no dyno can speak to another but through the host's filter. All names
// on the host carry the instance id, so that several Kigo servers share a machine.
// The host reaches every dyno; a dyno reaches the internet and the resolvers, and
// neither the host, other dynos, private networks nor metadata services, but for
// what its app's egress rules say (egress.go).
// Start reading at New, Ensure (the filter) and Create (one dyno's link).
package network

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"sync"

	"github.com/kigo-dev/kigo"
)

// Config is a network's settings.
type Config struct {
	Instance  string         // 4 hex digits
	Subnet    netip.Prefix   // IPv4, /24 or larger; the last address is the host's
	Allow     []netip.Prefix // private networks that dynos may reach all the same
	HostPorts []uint16       // TCP ports of the host itself that dynos may reach, such as the router's
	Resolvers []netip.Addr   // name servers; nil: those of the host
	Log       *slog.Logger
}

// Validate checks the settings.
func (c Config) Validate() error {
	var id uint16
	if n, err := fmt.Sscanf(c.Instance, "%04x", &id); n != 1 || err != nil || len(c.Instance) != 4 {
		return fmt.Errorf("network: instance %q is not 4 hex digits", c.Instance)
	}
	if !c.Subnet.Addr().Is4() || c.Subnet.Bits() > 24 || c.Subnet.Bits() < 8 || c.Subnet != c.Subnet.Masked() {
		return fmt.Errorf("network: subnet %s is not an IPv4 network of size /8 to /24", c.Subnet)
	}
	return nil
}

// Network is one instance's share of the host's network.
type Network struct {
	config Config
	log    *slog.Logger

	mu     sync.Mutex
	next   uint32          // host part to try next: addresses are not reused at once
	taken  map[uint32]bool // host parts in use
	egress map[kigo.AppID][]kigo.EgressRule
	owners map[netip.Addr]kigo.AppID // of addresses in use, where they are known
	ruled  map[string]bool           // addresses that the loaded filter has rules for

	filter sync.Mutex // held while the packet filter is looked at or loaded
	loaded string     // our rules, and what the kernel printed after they were loaded
}

// New checks the settings; it changes nothing yet.
func New(config Config) (*Network, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	n := &Network{config: config, log: config.Log, next: 1, taken: map[uint32]bool{}, owners: map[netip.Addr]kigo.AppID{}}
	if n.log == nil {
		n.log = slog.New(slog.DiscardHandler)
	}
	return n, nil
}

// Gateway is the host's own address towards all dynos.
func (n *Network) Gateway() netip.Addr { return n.address(n.size() - 1) }

// size is the number of host parts; the first and the last are not a dyno's.
func (n *Network) size() uint32 { return 1 << (32 - n.config.Subnet.Bits()) }

func (n *Network) address(host uint32) netip.Addr {
	base := n.config.Subnet.Addr().As4()
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], binary.BigEndian.Uint32(base[:])+host)
	return netip.AddrFrom4(b)
}

func (n *Network) host(address netip.Addr) (uint32, bool) {
	if !n.config.Subnet.Contains(address) {
		return 0, false
	}
	base, a := n.config.Subnet.Addr().As4(), address.As4()
	return binary.BigEndian.Uint32(a[:]) - binary.BigEndian.Uint32(base[:]), true
}

// Allocate takes a free address.
func (n *Network) Allocate() (netip.Addr, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	last := n.size() - 1
	for range last {
		host := n.next
		n.next++
		if n.next >= last {
			n.next = 1
		}
		if !n.taken[host] {
			n.taken[host] = true
			return n.address(host), nil
		}
	}
	return netip.Addr{}, errors.New("allocate address: the dynos' network is full")
}

// Claim marks an address as in use, by a dyno from before a restart.
func (n *Network) Claim(address netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if host, ok := n.host(address); ok {
		n.taken[host] = true
	}
}

// Free gives an address back.
func (n *Network) Free(address netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if host, ok := n.host(address); ok {
		delete(n.taken, host)
		delete(n.owners, address)
	}
}

// link is the host's name for the near end of a dyno's link.
func (n *Network) link(address netip.Addr) string {
	host, _ := n.host(address)
	return fmt.Sprintf("%s%d", n.prefix(), host)
}

// prefix starts the names of all links of this instance.
func (n *Network) prefix() string { return "kg" + n.config.Instance + "-" }

// Ensure makes the packet filter and forwarding true; it is cheap when they are
// already, and is to be called now and then.
func (n *Network) Ensure(ctx context.Context) error {
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0); err != nil {
		return fmt.Errorf("turn on forwarding: %w", err)
	}
	return errors.Join(n.ensureBarrier(), n.ensureRules(ctx))
}
