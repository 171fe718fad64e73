package kigo

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// EgressRule opens or closes a part of the network to an app's dynos. Without any,
// they reach the public internet and nothing else.
type EgressRule struct {
	ID        string
	App       AppID
	Allow     bool // else it is closed
	Target    netip.Prefix
	Port      int    // 0: all
	Operator  bool   // an operator allowed it: private ranges, too
	Origin    string // who keeps it, such as "addon:NAME"; empty: people
	CreatedAt time.Time
}

// MaxEgressRules bounds the rules of one app.
const MaxEgressRules = 100

// PrivateRanges is every IPv4 network that is not the public internet.
var PrivateRanges = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("127.0.0.0/8"),
	netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.0.0.0/24"), netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("224.0.0.0/3"),
}

// neverOpen are ranges that no rule can open: metadata services, a machine's own
// addresses, and what is no host.
var neverOpen = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("224.0.0.0/3"),
}

// ParseEgressTarget reads CIDR, CIDR:PORT, ADDRESS or ADDRESS:PORT.
func ParseEgressTarget(text string) (target netip.Prefix, port int, err error) {
	address, number, hasPort := strings.Cut(text, ":")
	if strings.Count(text, ":") > 1 {
		return target, 0, Invalid("Target is invalid: %.80q is an IPv6 address, and dynos have IPv4 alone.", text)
	}
	if hasPort {
		if port, err = strconv.Atoi(number); err != nil || port < 1 || port > 65535 {
			return target, 0, Invalid("Target is invalid: %.80q is no port from 1 to 65535.", number)
		}
	}
	if !strings.Contains(address, "/") {
		address += "/32"
	}
	target, err = netip.ParsePrefix(address)
	switch {
	case err != nil || !target.Addr().Is4():
		return target, 0, Invalid("Target is invalid: %.80q is neither an IPv4 address nor a range of them, such as 10.1.2.0/24 or 10.1.2.3:5432.", text)
	case target != target.Masked():
		return target, 0, Invalid("Target is invalid: %s has bits behind its length; the range is %s.", target, target.Masked())
	}
	return target, port, nil
}

// Name is the rule's target as people write it.
func (r EgressRule) Name() string {
	name := r.Target.String()
	if r.Target.IsSingleIP() {
		name = r.Target.Addr().String()
	}
	if r.Port > 0 {
		name += ":" + strconv.Itoa(r.Port)
	}
	return name
}

// Private says whether any part of the target is not the public internet.
func (r EgressRule) Private() bool { return slices.ContainsFunc(PrivateRanges, r.Target.Overlaps) }

// Check refuses rules that open what must stay closed, or that say nothing.
func (r EgressRule) Check() error {
	if !r.Allow {
		return nil
	}
	for _, never := range neverOpen {
		if r.Target.Overlaps(never) {
			return Invalid("Target is invalid: %s reaches into %s, which no rule can open: metadata services, this machine's own addresses and addresses of no host.", r.Target, never)
		}
	}
	return nil
}

// Isolation is how an app's dynos are kept apart from the machine.
type Isolation string

// Classes of isolation.
const (
	IsolationStandard Isolation = "standard" // containers: own namespaces, users, system call filter
	IsolationHardened Isolation = "hardened" // the same, under a kernel of their own (gVisor)
)

// ParseIsolation reads a class's name.
func ParseIsolation(text string) (Isolation, error) {
	switch class := Isolation(strings.ToLower(text)); class {
	case IsolationStandard, IsolationHardened:
		return class, nil
	}
	return "", Invalid("No such isolation: %.80q. It is %s or %s.", text, IsolationStandard, IsolationHardened)
}
