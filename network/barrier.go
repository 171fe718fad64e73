package network

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// barrierPriority is where our two routing rules stand, before those of the machine's
// own tables but for that of its addresses.
const barrierPriority = 30100

// barrier are routing rules that keep dynos from each other even while the packet
// filter is gone: what comes from a dyno is not forwarded to one. The first lets the machine itself
// reach them, and the packet filter look up routes.
func (n *Network) barrier() []*netlink.Rule {
	subnet := &net.IPNet{IP: n.config.Subnet.Addr().AsSlice(), Mask: net.CIDRMask(n.config.Subnet.Bits(), 32)}
	own, others := netlink.NewRule(), netlink.NewRule()
	for i, rule := range []*netlink.Rule{own, others} {
		rule.Family, rule.Priority, rule.Src, rule.Dst = netlink.FAMILY_V4, barrierPriority+i, subnet, subnet
	}
	own.IifName, own.Table = "lo", unix.RT_TABLE_MAIN
	others.Type = unix.RTN_PROHIBIT
	return []*netlink.Rule{own, others}
}

// ensureBarrier adds what is missing.
func (n *Network) ensureBarrier() error {
	for _, rule := range n.barrier() {
		if err := netlink.RuleAdd(rule); err != nil && !errors.Is(err, os.ErrExist) {
			return fmt.Errorf("add routing rule: %w", err)
		}
	}
	return nil
}

func (n *Network) removeBarrier() error {
	for _, rule := range n.barrier() {
		if err := netlink.RuleDel(rule); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("remove routing rule: %w", err)
		}
	}
	return nil
}
