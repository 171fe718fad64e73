package network

import (
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/vishvananda/netlink"
)

// Broken returns those addresses whose link to the host is gone, down or without
// its route: somebody deleted it by hand.
func (n *Network) Broken(addresses []netip.Addr) ([]netip.Addr, error) {
	links, err := complete(netlink.LinkList)
	if err != nil {
		return nil, fmt.Errorf("list links: %w", err)
	}
	up := map[string]int{}
	for _, l := range links {
		if l.Attrs().Flags&net.FlagUp != 0 {
			up[l.Attrs().Name] = l.Attrs().Index
		}
	}
	routes, err := complete(func() ([]netlink.Route, error) { return netlink.RouteList(nil, netlink.FAMILY_V4) })
	if err != nil {
		return nil, fmt.Errorf("list routes: %w", err)
	}
	routed := map[string]int{}
	for _, r := range routes {
		if r.Dst != nil {
			routed[r.Dst.String()] = r.LinkIndex
		}
	}
	var broken []netip.Addr
	for _, a := range addresses {
		index := up[n.link(a)]
		if _, ours := n.host(a); ours && (index == 0 || routed[single(a.AsSlice()).String()] != index) {
			broken = append(broken, a)
		}
	}
	return broken, nil
}

// Reconnect gives a dyno's namespace a new link for the address that it has.
func (n *Network) Reconnect(space *os.File, address netip.Addr) error {
	if old, err := netlink.LinkByName(n.link(address)); err == nil {
		_ = netlink.LinkDel(old)
	}
	if err := n.connect(space, address); err != nil {
		return fmt.Errorf("reconnect %s: %w", address, err)
	}
	return nil
}
