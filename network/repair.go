package network

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
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

// Whole reports whether a dyno's namespace still has what Create put into it for
// an address: both links up, the address, and the way out.
func (n *Network) Whole(space *os.File, address netip.Addr) (bool, error) {
	inside, err := netlink.NewHandleAt(netns.NsHandle(int(space.Fd())), unix.NETLINK_ROUTE)
	if err != nil {
		return false, fmt.Errorf("enter namespace: %w", err)
	}
	defer inside.Close()
	for _, name := range []string{"lo", "eth0"} {
		link, err := inside.LinkByName(name)
		if errors.As(err, &netlink.LinkNotFoundError{}) || err == nil && link.Attrs().Flags&net.FlagUp == 0 {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("find %s: %w", name, err)
		}
	}
	addresses, err := complete(func() ([]netlink.Addr, error) { return inside.AddrList(nil, netlink.FAMILY_V4) })
	if err != nil {
		return false, fmt.Errorf("list addresses: %w", err)
	}
	has := func(a netlink.Addr) bool { return a.IP.Equal(address.AsSlice()) }
	if !slices.ContainsFunc(addresses, has) {
		return false, nil
	}
	routes, err := complete(func() ([]netlink.Route, error) { return inside.RouteList(nil, netlink.FAMILY_V4) })
	if err != nil {
		return false, fmt.Errorf("list routes: %w", err)
	}
	gateway := net.IP(n.Gateway().AsSlice())
	return slices.ContainsFunc(routes, func(r netlink.Route) bool { return r.Gw.Equal(gateway) }), nil
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
