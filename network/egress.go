package network

import (
	"bytes"
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"net/netip"
	"slices"
	"strconv"

	"github.com/kigo-dev/kigo"
)

// SetEgress replaces all apps' rules. Ensure makes them true.
func (n *Network) SetEgress(rules map[kigo.AppID][]kigo.EgressRule) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.egress = rules
}

// Own says which app an allocated or claimed address belongs to: its rules hold
// for the address once Own or Ensure has returned.
func (n *Network) Own(ctx context.Context, address netip.Addr, app kigo.AppID) error {
	n.Owner(address, app)
	n.mu.Lock()
	concerns := len(n.egress[app]) > 0 || n.ruled[address.String()] // or its last app's
	n.mu.Unlock()
	if !concerns {
		return nil
	}
	return n.ensureRules(ctx)
}

// Owner is Own for addresses that the next Ensure is early enough for.
func (n *Network) Owner(address netip.Addr, app kigo.AppID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.owners[address] = app
}

// appRules are the chain of one app and the addresses of its dynos.
type appRules struct {
	Chain     string
	Addresses []string
	Rules     []string
}

// appChains are the chains of all apps that have rules and dynos here, in a stable
// order.
func (n *Network) appChains() []appRules {
	n.mu.Lock()
	defer n.mu.Unlock()
	addresses := map[kigo.AppID][]netip.Addr{}
	for address, app := range n.owners {
		if len(n.egress[app]) > 0 {
			addresses[app] = append(addresses[app], address)
		}
	}
	var chains []appRules
	for _, app := range slices.Sorted(maps.Keys(addresses)) {
		c := appRules{Chain: chain(app), Rules: ruleLines(n.egress[app])}
		slices.SortFunc(addresses[app], netip.Addr.Compare)
		for _, a := range addresses[app] {
			c.Addresses = append(c.Addresses, a.String())
		}
		chains = append(chains, c)
	}
	return chains
}

// holds notes for which addresses the filter that was loaded has rules. The caller
// holds the filter's lock.
func (n *Network) holds(chains []appRules) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ruled = map[string]bool{}
	for _, c := range chains {
		for _, address := range c.Addresses {
			n.ruled[address] = true
		}
	}
}

// chain names an app's chain: nft takes letters, digits and underscores.
func chain(app kigo.AppID) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(app))
	return fmt.Sprintf("app_%016x", h.Sum64())
}

// ruleLines are an app's rules for nft. What an operator allowed is open; what the
// app's own people allowed is kept from the app's denials alone, and goes on to
// the rules for all.
func ruleLines(rules []kigo.EgressRule) []string {
	rank := func(r kigo.EgressRule) int {
		switch {
		case r.Operator && r.Allow:
			return 0
		case r.Allow:
			return 1
		}
		return 2
	}
	rules = slices.Clone(rules)
	slices.SortStableFunc(rules, func(a, b kigo.EgressRule) int { return rank(a) - rank(b) })
	var lines []string
	for _, r := range rules {
		var line bytes.Buffer
		if r.Target.Bits() > 0 {
			line.WriteString("ip daddr " + r.Target.String() + " ")
		}
		if r.Port > 0 {
			line.WriteString("meta l4proto { tcp, udp } th dport " + strconv.Itoa(r.Port) + " ")
		}
		line.WriteString([]string{"accept", "return", "counter reject with icmpx admin-prohibited"}[rank(r)])
		lines = append(lines, line.String())
	}
	return lines
}
