package network

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Create makes a network namespace with a link to the host for an allocated
// address, and returns the namespace. It lives as long as somebody holds it open
// or runs in it, and takes both ends of the link along when it goes.
func (n *Network) Create(address netip.Addr) (*os.File, error) {
	space, err := newNamespace()
	if err != nil {
		return nil, fmt.Errorf("make network namespace: %w", err)
	}
	if err := n.connect(space, address); err != nil {
		_ = space.Close()
		return nil, fmt.Errorf("connect %s: %w", address, err)
	}
	return space, nil
}

// namespaceSettings hold inside a dyno: low ports are free to all, no raw ping,
// and no IPv6 but on loopback.
var namespaceSettings = [][2]string{
	{"ipv4/ip_unprivileged_port_start", "0"},
	{"ipv4/ping_group_range", "1 0"},
	{"ipv6/conf/default/disable_ipv6", "1"},
}

// newNamespace makes a namespace on a thread that returns to its own one after
// that. The thread may be the process's first, which can neither be thrown away
// nor left elsewhere: it would keep the namespace open for ever.
func newNamespace() (*os.File, error) {
	runtime.LockOSThread()
	own, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		runtime.UnlockOSThread()
		return nil, err
	}
	defer own.Close()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return nil, err
	}
	for _, s := range namespaceSettings {
		_ = os.WriteFile("/proc/sys/net/"+s[0], []byte(s[1]), 0)
	}
	made, err := os.Open("/proc/thread-self/ns/net")
	if back := unix.Setns(int(own.Fd()), unix.CLONE_NEWNET); back != nil {
		panic(fmt.Sprintf("network: a thread cannot return to its namespace: %v", back)) // it must run nothing else
	}
	runtime.UnlockOSThread()
	return made, err
}

func (n *Network) connect(space *os.File, address netip.Addr) error {
	fd := int(space.Fd())
	near, err := n.addLink(address, fd)
	if err != nil {
		return err
	}
	if err := n.configureNear(near, address); err != nil {
		return err
	}
	inside, err := netlink.NewHandleAt(netns.NsHandle(fd), unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("enter namespace: %w", err)
	}
	defer inside.Close()
	return n.configureFar(inside, near, address)
}

// addLink makes the pair; a stale one of the same name, whose namespace the
// kernel has not yet taken away, is replaced.
func (n *Network) addLink(address netip.Addr, space int) (netlink.Link, error) {
	name := n.link(address)
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	attrs.TxQLen = 1000
	attrs.HardwareAddr = hardware(address, 0)
	pair := &netlink.Veth{
		LinkAttrs: attrs, PeerName: "eth0",
		PeerNamespace: netlink.NsFd(space), PeerHardwareAddr: hardware(address, 1),
	}
	err := netlink.LinkAdd(pair)
	if errors.Is(err, unix.EEXIST) {
		if old, e := netlink.LinkByName(name); e == nil {
			_ = netlink.LinkDel(old)
		}
		err = netlink.LinkAdd(pair)
	}
	if err != nil {
		return nil, fmt.Errorf("add link: %w", err)
	}
	return netlink.LinkByName(name)
}

// hardware is a locally administered address, so that both ends know each other without asking.
func hardware(address netip.Addr, end byte) net.HardwareAddr {
	a := address.As4()
	return net.HardwareAddr{2, end, a[0], a[1], a[2], a[3]}
}

func (n *Network) configureNear(near netlink.Link, address netip.Addr) error {
	index, gateway := near.Attrs().Index, n.Gateway().AsSlice()
	for _, name := range []string{"ipv4/conf/" + near.Attrs().Name + "/rp_filter", "ipv6/conf/" + near.Attrs().Name + "/disable_ipv6"} {
		_ = os.WriteFile("/proc/sys/net/"+name, []byte("1"), 0)
	}
	return errors.Join(
		step("set link up", netlink.LinkSetUp(near)),
		step("add gateway", netlink.AddrAdd(near, &netlink.Addr{IPNet: single(gateway), Flags: unix.IFA_F_NOPREFIXROUTE})),
		step("add route", netlink.RouteAdd(&netlink.Route{LinkIndex: index, Dst: single(address.AsSlice()), Scope: netlink.SCOPE_LINK, Src: gateway})),
		step("add neighbour", netlink.NeighAdd(&netlink.Neigh{LinkIndex: index, IP: address.AsSlice(), HardwareAddr: hardware(address, 1), State: netlink.NUD_PERMANENT})),
	)
}

func (n *Network) configureFar(inside *netlink.Handle, near netlink.Link, address netip.Addr) error {
	loopback, err := inside.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("find loopback: %w", err)
	}
	far, err := inside.LinkByName("eth0")
	if err != nil {
		return fmt.Errorf("find far end: %w", err)
	}
	index, gateway := far.Attrs().Index, net.IP(n.Gateway().AsSlice())
	return errors.Join(
		step("set loopback up", inside.LinkSetUp(loopback)),
		step("add address", inside.AddrAdd(far, &netlink.Addr{IPNet: single(address.AsSlice())})),
		step("set far end up", inside.LinkSetUp(far)),
		step("add gateway's neighbour", inside.NeighAdd(&netlink.Neigh{LinkIndex: index, IP: gateway, HardwareAddr: hardware(address, 0), State: netlink.NUD_PERMANENT})),
		step("add gateway's route", inside.RouteAdd(&netlink.Route{LinkIndex: index, Dst: single(gateway), Scope: netlink.SCOPE_LINK})),
		step("add default route", inside.RouteAdd(&netlink.Route{LinkIndex: index, Gw: gateway})),
	)
}

func single(ip net.IP) *net.IPNet { return &net.IPNet{IP: ip, Mask: net.CIDRMask(32, 32)} }

func step(what string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// Links lists the names of this instance's links on the host.
func (n *Network) Links() ([]string, error) {
	links, err := complete(netlink.LinkList)
	if err != nil {
		return nil, fmt.Errorf("list links: %w", err)
	}
	var names []string
	for _, l := range links {
		if name := l.Attrs().Name; strings.HasPrefix(name, n.prefix()) {
			names = append(names, name)
		}
	}
	return names, nil
}

// complete repeats a listing that the kernel says was disturbed by a change.
func complete[T any](list func() ([]T, error)) ([]T, error) {
	for range 20 {
		items, err := list()
		if !errors.Is(err, netlink.ErrDumpInterrupted) {
			return items, err
		}
	}
	return list()
}

func (n *Network) removeLinks() error {
	names, err := n.Links()
	for _, name := range names {
		if l, e := netlink.LinkByName(name); e == nil {
			if e := netlink.LinkDel(l); !errors.Is(e, unix.ENODEV) { // or it went with its namespace
				err = errors.Join(err, e)
			}
		}
	}
	return err
}
