package cert

import (
	"crypto/tls"
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// maxIssued bounds the certificates that an Issuer keeps in memory.
const maxIssued = 1000

// Issuer picks the certificate of a TLS handshake. OpenSSL, and so curl and git,
// refuse a wildcard below a single label such as "*.localhost"; for such a name
// the Issuer signs a certificate of its own when a client first asks for it.
type Issuer struct {
	local  Local
	ca     tls.Certificate
	server *tls.Certificate
	domain string

	mu     sync.Mutex
	issued map[string]*tls.Certificate
}

// Issuer returns an Issuer that shows server, which Load gave, except for names
// one level below a domain without a dot. Call it after Load.
func (l Local) Issuer(domain string, server tls.Certificate) (*Issuer, error) {
	ca, err := l.authority()
	if err != nil {
		return nil, err
	}
	return &Issuer{local: l, ca: ca, server: &server, domain: domain, issued: map[string]*tls.Certificate{}}, nil
}

// GetCertificate is for tls.Config.
func (i *Issuer) GetCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name := strings.ToLower(strings.TrimSuffix(hello.ServerName, "."))
	if !i.wantsOwn(name) {
		return i.server, nil
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if c := i.issued[name]; c != nil && c.Leaf.NotAfter.Sub(i.local.time()) > renewBefore {
		return c, nil
	}
	c, err := i.local.issue(i.ca, []string{name})
	if err != nil {
		return nil, fmt.Errorf("issue certificate for %s: %w", name, err)
	}
	if len(i.issued) >= maxIssued {
		clear(i.issued)
	}
	i.issued[name] = &c
	return &c, nil
}

var hostLabel = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// wantsOwn reports whether name is one level below a domain of one label.
func (i *Issuer) wantsOwn(name string) bool {
	label, parent, ok := strings.Cut(name, ".")
	return ok && hostLabel.MatchString(label) && !strings.Contains(parent, ".") &&
		(parent == "localhost" || parent == i.domain)
}
