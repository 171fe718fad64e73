package network

import (
	"bufio"
	"net/netip"
	"os"
	"strings"
)

// resolverFiles hold the host's name servers; systemd-resolved keeps the real
// ones in the first when the second names only itself on loopback.
var resolverFiles = []string{"/run/systemd/resolve/resolv.conf", "/etc/resolv.conf"}

// Resolvers are the name servers that dynos ask, and the lines of the host's
// file that go with them. None: the host's are on loopback, where a dyno cannot
// reach them, or not IPv4; dynos then resolve no names unless Config names some.
func (n *Network) Resolvers() (servers []netip.Addr, options []string) {
	if n.config.Resolvers != nil {
		return n.config.Resolvers, nil
	}
	for _, path := range resolverFiles {
		data, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		if servers, options = parseResolvers(string(data)); len(servers) > 0 {
			return servers, options
		}
	}
	return nil, options
}

func parseResolvers(text string) (servers []netip.Addr, options []string) {
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) < 2 {
			continue
		}
		switch words[0] {
		case "nameserver":
			if a, err := netip.ParseAddr(words[1]); err == nil && a.Is4() && !a.IsLoopback() {
				servers = append(servers, a)
			}
		case "options", "search", "domain":
			options = append(options, strings.Join(words, " "))
		}
	}
	return servers, options
}

// ResolvConf is the text of a dyno's /etc/resolv.conf.
func (n *Network) ResolvConf() string {
	servers, options := n.Resolvers()
	var b strings.Builder
	for _, s := range servers {
		b.WriteString("nameserver " + s.String() + "\n")
	}
	for _, o := range options {
		b.WriteString(o + "\n")
	}
	if len(servers) == 0 {
		b.WriteString("# The host's resolver is on loopback, where no dyno can reach it; see the option for resolvers.\n")
	}
	return b.String()
}
