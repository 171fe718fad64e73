package control

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/kigo-dev/kigo"
)

const (
	maxCertificates = 100      // of one app
	maxPEM          = 64 << 10 // bytes of a chain or a key
	maxChain        = 10       // certificates in one
)

// AddCertificate keeps a certificate with its key for an app. Its domains that the
// certificate names and that have none yet are served with it.
func (c *Control) AddCertificate(ctx context.Context, a Actor, id kigo.AppID, chain, key string) (e kigo.SNIEndpoint, err error) {
	chain, leaf, err := checkCertificate(chain, key, time.Now())
	if err != nil {
		return e, err
	}
	err = c.update(ctx, a, func(tx *change) error {
		app, err := tx.app(id)
		if err != nil {
			return err
		}
		have, err := tx.SNIEndpoints(id)
		if err != nil {
			return err
		}
		if len(have) >= maxCertificates {
			return kigo.Invalid("%s has %d certificates, and more are not possible.", app.Name, len(have))
		}
		e = kigo.SNIEndpoint{App: id, Name: kigo.GenerateAppName(), Chain: chain, PrivateKey: key}
		if err := tx.CreateSNIEndpoint(&e); err != nil {
			return err
		}
		domains, err := tx.Domains(id)
		if err != nil {
			return err
		}
		for _, d := range domains {
			if d.Kind != kigo.DomainCustom || !covers(leaf, d.Hostname) || d.SNIEndpoint != "" && !isAutomatic(have, d.SNIEndpoint) {
				continue
			}
			if err := tx.dropAutomatic(d); err != nil {
				return err
			}
			d.SNIEndpoint = e.ID
			if err := tx.UpdateDomain(&d); err != nil {
				return err
			}
		}
		tx.byf(id, "Add certificate %s", e.Name)
		return tx.emit("sni-endpoint.create", id, e.ID, map[string]string{"name": e.Name})
	})
	return e, err
}

// UpdateCertificate replaces a certificate of an app, by name or id. It must name
// every domain that is served with it.
func (c *Control) UpdateCertificate(ctx context.Context, a Actor, id kigo.AppID, which, chain, key string) (e kigo.SNIEndpoint, err error) {
	chain, leaf, err := checkCertificate(chain, key, time.Now())
	if err != nil {
		return e, err
	}
	err = c.update(ctx, a, func(tx *change) error {
		if _, err := tx.app(id); err != nil {
			return err
		}
		if e, err = tx.FindSNIEndpoint(id, which); err != nil {
			return err
		}
		domains, err := tx.Domains(id)
		if err != nil {
			return err
		}
		for _, d := range domains {
			if d.SNIEndpoint == e.ID && !covers(leaf, d.Hostname) {
				return kigo.Invalid("The certificate is not for %s, which is served with %s.", d.Hostname, e.Name)
			}
		}
		e.Chain, e.PrivateKey = chain, key
		if err := tx.UpdateSNIEndpoint(&e); err != nil {
			return err
		}
		tx.byf(id, "Update certificate %s", e.Name)
		return tx.emit("sni-endpoint.update", id, e.ID, map[string]string{"name": e.Name})
	})
	return e, err
}

// RemoveCertificate removes a certificate of an app, by name or id.
func (c *Control) RemoveCertificate(ctx context.Context, a Actor, id kigo.AppID, which string) (e kigo.SNIEndpoint, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		if _, err := tx.app(id); err != nil {
			return err
		}
		if e, err = tx.FindSNIEndpoint(id, which); err != nil {
			return err
		}
		if err := tx.DeleteSNIEndpoint(e.ID); err != nil {
			return err
		}
		tx.byf(id, "Remove certificate %s", e.Name)
		return tx.emit("sni-endpoint.delete", id, e.ID, map[string]string{"name": e.Name})
	})
	return e, err
}

// SetDomainCertificate serves a domain with a certificate of its app, by name or
// id; with none when it is empty.
func (c *Control) SetDomainCertificate(ctx context.Context, a Actor, id kigo.AppID, hostOrID, which string) (d kigo.Domain, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		if _, err := tx.app(id); err != nil {
			return err
		}
		if d, err = tx.FindDomain(id, hostOrID); err != nil {
			return err
		}
		if d.Kind == kigo.DomainDefault {
			return kigo.Invalid("%s is the app's own domain: its certificate is the platform's.", d.Hostname)
		}
		d.SNIEndpoint = ""
		if which != "" {
			if err := tx.attach(&d, which); err != nil {
				return err
			}
		}
		return errors.Join(tx.UpdateDomain(&d), tx.emit("domain.update", id, d.ID, map[string]string{"hostname": d.Hostname}))
	})
	return d, err
}

// attach sets the certificate of a domain that is to be written.
func (c *change) attach(d *kigo.Domain, which string) error {
	e, err := c.FindSNIEndpoint(d.App, which)
	if err != nil {
		return err
	}
	leaf, err := Leaf(e.Chain)
	if err != nil {
		return err
	}
	if !covers(leaf, d.Hostname) {
		return kigo.Invalid("The certificate %s is not for %s but for %s.", e.Name, d.Hostname, strings.Join(leaf.DNSNames, ", "))
	}
	d.SNIEndpoint = e.ID
	return nil
}

// fitting returns the certificate of an app that names a host, the newest; none is "".
func (c *change) fitting(id kigo.AppID, host string) (string, error) {
	all, err := c.SNIEndpoints(id)
	if err != nil {
		return "", err
	}
	found := ""
	for _, e := range all {
		if leaf, err := Leaf(e.Chain); err == nil && !e.Automatic && covers(leaf, host) {
			found = e.ID
		}
	}
	return found, nil
}

func isAutomatic(all []kigo.SNIEndpoint, id string) bool {
	return slices.ContainsFunc(all, func(e kigo.SNIEndpoint) bool { return e.ID == id && e.Automatic })
}

// Leaf reads the first certificate of a chain that was checked before.
func Leaf(chain string) (*x509.Certificate, error) {
	block, _ := pem.Decode([]byte(chain))
	if block == nil {
		return nil, errors.New("read certificate: no PEM block")
	}
	return x509.ParseCertificate(block.Bytes)
}

// covers reports whether a certificate is for a host name, which may be a wildcard.
func covers(leaf *x509.Certificate, host string) bool {
	if rest, wild := strings.CutPrefix(host, "*."); wild {
		for _, name := range leaf.DNSNames {
			if strings.EqualFold(name, "*."+rest) {
				return true
			}
		}
		return false
	}
	return leaf.VerifyHostname(host) == nil
}

// checkCertificate returns the chain as it is kept, and its first certificate.
func checkCertificate(chain, key string, now time.Time) (string, *x509.Certificate, error) {
	bad := func(why string) (string, *x509.Certificate, error) { return "", nil, kigo.Invalid("%s", why) }
	if len(chain) > maxPEM || len(key) > maxPEM {
		return bad("The certificate or the key is too long.")
	}
	var certs []*x509.Certificate
	var kept bytes.Buffer
	for rest := []byte(chain); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if strings.Contains(block.Type, "PRIVATE KEY") {
			return bad("The certificate chain holds a private key: send it as private_key alone.")
		}
		x, err := x509.ParseCertificate(block.Bytes)
		if block.Type != "CERTIFICATE" || err != nil {
			return bad("The certificate chain is not readable: it should be PEM, -----BEGIN CERTIFICATE-----.")
		}
		certs = append(certs, x)
		if err := pem.Encode(&kept, &pem.Block{Type: "CERTIFICATE", Bytes: block.Bytes}); err != nil {
			return "", nil, err
		}
	}
	if len(certs) == 0 || len(certs) > maxChain {
		return bad("No certificate given that could be read: it should be PEM, the domain's own first, then those that signed it.")
	}
	block, _ := pem.Decode([]byte(key))
	if block == nil || !strings.Contains(block.Type, "PRIVATE KEY") {
		return bad("The private key is not readable: it should be PEM, -----BEGIN PRIVATE KEY-----.")
	}
	if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
		return bad("The private key is encrypted: take its passphrase off first.")
	}
	if _, err := tls.X509KeyPair(kept.Bytes(), []byte(key)); err != nil {
		return bad("The private key does not belong to the first certificate of the chain.")
	}
	leaf := certs[0]
	for i, x := range certs[1:] {
		if certs[i].CheckSignatureFrom(x) != nil {
			return bad("The certificate chain is out of order: number " + string(rune('2'+i)) + " did not sign the one before it.")
		}
	}
	switch public := leaf.PublicKey.(type) {
	case *rsa.PublicKey:
		if public.N.BitLen() < minRSA {
			return bad("The certificate's RSA key is too short: it needs 2048 bits at least.")
		}
	case *ecdsa.PublicKey:
	default:
		return bad("The certificate's key is of a kind that browsers do not know: use RSA or ECDSA.")
	}
	switch {
	case now.After(leaf.NotAfter):
		return bad("The certificate has expired, on " + leaf.NotAfter.UTC().Format(time.DateOnly) + ".")
	case len(leaf.DNSNames) == 0:
		return bad("The certificate names no domain (subject alternative names).")
	}
	return kept.String(), leaf, nil
}
