package api_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kigo-dev/kigo/client"
)

func TestDomainsComeAndGo(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	s.app("myapp")
	s.app("other")
	var d client.Domain
	must(t, s.Do(ctx, "POST", "/apps/myapp/domains", map[string]any{"hostname": "WWW.example.com", "sni_endpoint": nil}, &d))
	if d.Hostname != "www.example.com" || d.Kind != "custom" || d.CNAME == nil || d.App.Name != "myapp" {
		t.Errorf("added %+v", d)
	}
	err := s.Do(ctx, "POST", "/apps/other/domains", map[string]any{"hostname": "www.example.com"}, nil)
	wantError(t, err, 422, "invalid_params", "www.example.com")
	for _, bad := range []string{"*.com", "foo", "10.0.0.1", "a..b.com", "-a.example.com", "other.localhost", "localhost", "a b.com", "x.example.com\n"} {
		err := s.Do(ctx, "POST", "/apps/myapp/domains", map[string]any{"hostname": bad}, nil)
		wantError(t, err, 422, "invalid_params", "")
	}
	var gone client.Domain
	must(t, s.Do(ctx, "DELETE", "/apps/myapp/domains/www.example.com", nil, &gone))
	if gone.ID != d.ID {
		t.Errorf("removed %+v", gone)
	}
	wantError(t, s.Do(ctx, "DELETE", "/apps/myapp/domains/www.example.com", nil, nil), 404, "not_found", "Couldn't find that domain.")
}

// signed makes a certificate for these names and its key, signed by parent or itself.
func signed(t *testing.T, until time.Time, parent *pair, names ...string) pair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: strings.Join(names, " ")}, DNSNames: names,
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: until, IsCA: parent == nil, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	p := pair{key: key, cert: template}
	by := p
	if parent != nil {
		by = *parent
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by.cert, key.Public(), by.key)
	must(t, err)
	p.cert, err = x509.ParseCertificate(der)
	must(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	p.chain = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	p.secret = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
	return p
}

type pair struct {
	chain, secret string
	cert          *x509.Certificate
	key           *ecdsa.PrivateKey
}

func TestCertificatesAreCheckedAndServeDomains(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	s.app("myapp")
	s.app("other")
	soon := time.Now().Add(24 * time.Hour)
	authority := signed(t, soon, nil, "authority")
	leaf := signed(t, soon, &authority, "www.example.com", "*.example.org")
	var d client.Domain
	must(t, s.Do(ctx, "POST", "/apps/myapp/domains", map[string]any{"hostname": "www.example.com"}, &d))
	body := func(chain, key string) map[string]string {
		return map[string]string{"certificate_chain": chain, "private_key": key}
	}
	var e client.SNIEndpoint
	must(t, s.Do(ctx, "POST", "/apps/myapp/sni-endpoints", body(leaf.chain+authority.chain, leaf.secret), &e))
	if !slices.Equal(e.Domains, []string{d.ID}) || !slices.Equal(e.SSLCert.CertDomains, []string{"www.example.com", "*.example.org"}) || e.SSLCert.CASigned || e.SSLCert.SelfSigned {
		t.Errorf("added %+v", e)
	}
	must(t, s.Do(ctx, "POST", "/apps/myapp/domains", map[string]any{"hostname": "*.example.org"}, &d))
	if d.SNIEndpoint == nil || d.SNIEndpoint.Name != e.Name {
		t.Errorf("a domain that the certificate names: %+v", d)
	}
	self := signed(t, soon, nil, "self.example.com")
	old := signed(t, time.Now().Add(-time.Hour), &authority, "www.example.com")
	other := signed(t, soon, &authority, "other.example.com")
	nameless := signed(t, soon, &authority)
	for name, c := range map[string]struct{ chain, key, text string }{
		"no chain": {"", leaf.secret, "required"}, "no key": {leaf.chain, "", "required"}, "not PEM": {"x", leaf.secret, "PEM"}, "key not PEM": {leaf.chain, "x", "PEM"},
		"another's key": {leaf.chain, other.secret, "does not belong"}, "order": {leaf.chain + other.chain, leaf.secret, "out of order"},
		"a key in the chain": {leaf.secret + leaf.chain, leaf.secret, "private key"}, "expired": {old.chain, old.secret, "expired"},
		"an encrypted key": {leaf.chain, "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n", "encrypted"},
		"no name":          {nameless.chain, nameless.secret, "names no domain"}, "huge": {strings.Repeat(leaf.chain, 200), leaf.secret, "too long"},
	} {
		err := s.Do(ctx, "POST", "/apps/myapp/sni-endpoints", body(c.chain, c.key), nil)
		if err == nil {
			t.Errorf("%s: taken", name)
			continue
		}
		wantError(t, err, 422, "invalid_params", c.text)
	}
	wantError(t, s.Do(ctx, "PATCH", "/apps/myapp/sni-endpoints/"+e.Name, body(self.chain, self.secret), nil), 422, "invalid_params", "not for")
	wantError(t, s.Do(ctx, "PATCH", "/apps/other/sni-endpoints/"+e.Name, body(leaf.chain, leaf.secret), nil), 404, "not_found", "SNI endpoint")
	must(t, s.Do(ctx, "PATCH", "/apps/myapp/sni-endpoints/"+e.Name, body(leaf.chain, leaf.secret), &e))
	must(t, s.Do(ctx, "PATCH", "/apps/myapp/domains/www.example.com", map[string]any{"sni_endpoint": nil}, &d))
	if d.SNIEndpoint != nil {
		t.Errorf("detached %+v", d)
	}
	var foreign client.SNIEndpoint
	must(t, s.Do(ctx, "POST", "/apps/other/sni-endpoints", body(self.chain, self.secret), &foreign))
	if !foreign.SSLCert.SelfSigned {
		t.Errorf("self-signed %+v", foreign.SSLCert)
	}
	wantError(t, s.Do(ctx, "PATCH", "/apps/myapp/domains/www.example.com", map[string]any{"sni_endpoint": foreign.Name}, nil), 404, "not_found", "SNI endpoint")
	wantError(t, s.Do(ctx, "PATCH", "/apps/myapp/domains/myapp.localhost", map[string]any{"sni_endpoint": e.Name}, nil), 422, "invalid_params", "own domain")
	must(t, s.Do(ctx, "PATCH", "/apps/myapp/domains/www.example.com", map[string]any{"sni_endpoint": e.ID}, &d))
	must(t, s.Do(ctx, "GET", "/apps/myapp/sni-endpoints/"+e.Name, nil, &e))
	if len(e.Domains) != 2 {
		t.Errorf("read %+v", e)
	}
	must(t, s.Do(ctx, "DELETE", "/apps/myapp/sni-endpoints/"+e.Name, nil, nil))
	must(t, s.Do(ctx, "GET", "/apps/myapp/domains/www.example.com", nil, &d))
	if d.SNIEndpoint != nil {
		t.Errorf("after its removal %+v", d)
	}
	_, raw := s.raw("GET", "/apps/other/sni-endpoints", s.token, nil, nil)
	if strings.Contains(string(raw), "PRIVATE") {
		t.Error("a private key is told")
	}
}

func TestAutomatedCertificatesAreAskedForAndEnded(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	s.app("myapp")
	wantError(t, s.Do(ctx, "POST", "/apps/myapp/acm", nil, nil), 422, "invalid_params", "--acme")
	wantError(t, s.Do(ctx, "PATCH", "/apps/myapp/acm", map[string]any{"acm_refresh": true}, nil), 422, "invalid_params", "certs:auto:enable")
	s.control.ACME = true
	var app client.App
	must(t, s.Do(ctx, "POST", "/apps/myapp/acm", map[string]any{}, &app))
	if !app.ACM {
		t.Errorf("after enabling: %+v", app)
	}
	wantError(t, s.Do(ctx, "PATCH", "/apps/myapp/acm", map[string]any{"acm_refresh": false}, nil), 422, "invalid_params", "acm_refresh")
	must(t, s.Do(ctx, "PATCH", "/apps/myapp/acm", map[string]any{"acm_refresh": true}, &app))
	must(t, s.Do(ctx, "DELETE", "/apps/myapp/acm", nil, &app))
	must(t, s.Do(ctx, "GET", "/apps/myapp", nil, &app))
	if app.ACM {
		t.Errorf("after disabling: %+v", app)
	}
}
