// Package outbound makes the connections that the platform opens because a user
// told it an address: log drains, webhooks, telemetry, alerts. (What a build fetches, it
// fetches in its sandbox, behind the packet filter.)
//
// It promises that none of them reaches an address that is not public, whatever
// the DNS answers and wherever a redirect leads: the check is on the address that
// the connection is about to be made to, after every look-up. An operator may
// allow ranges of the own network. No proxy of the environment is used, since a
// proxy would make the look-up out of our sight.
//
// Start reading at Policy.
package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

// ErrNotAllowed is in the chain of every refusal.
var ErrNotAllowed = errors.New("destination not allowed")

// Policy says which addresses may be reached.
type Policy struct {
	Allow    []netip.Prefix // ranges that are allowed although they are not public
	Resolver *net.Resolver  // finds the addresses of names; nil: the system's
}

// Limits of a connection.
const (
	dialTimeout  = 10 * time.Second
	tlsTimeout   = 10 * time.Second
	idleTimeout  = 60 * time.Second
	maxRedirects = 3
	writeBuffer  = 64 << 10 // bodies of log lines leave in few writes
)

// Check returns an error for an address that may not be reached.
func (p Policy) Check(addr netip.Addr) error {
	addr = addr.Unmap()
	if p.allows(addr) || addr.Zone() == "" && public(addr) {
		return nil
	}
	return fmt.Errorf("%s: %w", addr, ErrNotAllowed)
}

func (p Policy) allows(addr netip.Addr) bool {
	for _, prefix := range p.Allow {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// CheckHost refuses at once a host that can be seen not to be allowed without a
// look-up: a literal address, or a name of this machine. What passes is checked
// again when it is connected to.
func (p Policy) CheckHost(host string) error {
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	if addr, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return p.Check(addr)
	}
	if (name == "localhost" || strings.HasSuffix(name, ".localhost")) && p.Check(netip.MustParseAddr("127.0.0.1")) != nil {
		return fmt.Errorf("%s: %w", host, ErrNotAllowed)
	}
	return nil
}

// Granted reports whether the host is a literal address of a range that the
// operator has allowed: inside the own network plain HTTP is acceptable.
func (p Policy) Granted(host string) bool {
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && p.allows(addr.Unmap())
}

// Dial connects to a host and port.
func (p Policy) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second, Resolver: p.Resolver, Control: p.control}
	return d.DialContext(ctx, network, address)
}

// control sees the address that a socket is about to connect to.
func (p Policy) control(network, address string, _ syscall.RawConn) error {
	if network != "tcp4" && network != "tcp6" {
		return fmt.Errorf("%s %s: %w", network, address, ErrNotAllowed)
	}
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%s: %w", address, ErrNotAllowed)
	}
	return p.Check(to.Addr())
}

// Client is an HTTP client under the policy. Requests with a body are never
// redirected; others at most three times. roots nil: the system's.
func (p Policy) Client(roots *x509.CertPool, timeout time.Duration) *http.Client {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			DialContext: p.Dial, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12, DynamicRecordSizingDisabled: true},
			WriteBufferSize:     writeBuffer,
			TLSHandshakeTimeout: tlsTimeout, IdleConnTimeout: idleTimeout, MaxIdleConnsPerHost: 2,
			MaxResponseHeaderBytes: 64 << 10, Protocols: protocols, DisableCompression: true,
		},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if via[0].Method != http.MethodGet && via[0].Method != http.MethodHead || len(via) > maxRedirects {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}
}
