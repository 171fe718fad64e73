// Package cert makes the certificates that Kigo's own listeners show.
//
// It owns the folder of the local certificate authority, which is made at the
// first start and lasts ten years. It promises that the server's certificate
// always names what it was asked for and has at least 30 days left after a Load,
// that keys are readable by root alone, and that bundle.pem lets a client trust
// Kigo and everything that the machine trusts. Start with Local.Load; issuer.go
// is for names that no wildcard covers.
package cert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/kigo-dev/kigo/internal/atomicfile"
)

const (
	authorityLife = 10 * 365 * 24 * time.Hour
	// Clients of some systems refuse server certificates of more than 398 days.
	serverLife  = 365 * 24 * time.Hour
	renewBefore = 30 * 24 * time.Hour
	// A clock that is a little behind must not refuse a fresh certificate.
	backdate = time.Hour
)

// Local is the local authority in Dir.
type Local struct {
	Dir string
	now func() time.Time // of tests; nil: time.Now
}

// Loaded is what Load gives.
type Loaded struct {
	Certificate tls.Certificate // the server's
	Paths       Paths
}

// Paths are the files that clients and children are given.
type Paths struct {
	CA        string // the authority's certificate
	Server    string // the server's certificate
	ServerKey string
	Bundle    string // the authority and all that the machine trusts
}

// Load gives the server's certificate for localhost, the loopback addresses, the
// platform's domain with every name one level below it, and names (hosts or
// addresses). It makes what is missing, about to expire or for other names.
func (l Local) Load(domain string, names ...string) (Loaded, error) {
	loaded := Loaded{Paths: l.paths()}
	if err := os.MkdirAll(l.Dir, 0o755); err != nil {
		return loaded, fmt.Errorf("make certificate folder: %w", err)
	}
	ca, err := l.authority()
	if err != nil {
		return loaded, err
	}
	p := loaded.Paths
	if err := writeBundle(p.Bundle, ca.Certificate[0]); err != nil {
		return loaded, err
	}
	all := serverNames(domain, names)
	loaded.Certificate, err = tls.LoadX509KeyPair(p.Server, p.ServerKey)
	if err == nil && l.good(loaded.Certificate, ca, all) {
		return loaded, nil
	}
	if loaded.Certificate, err = l.issue(ca, all); err != nil {
		return loaded, err
	}
	return loaded, l.save(loaded.Certificate, p.Server, p.ServerKey)
}

func (l Local) paths() Paths {
	in := func(name string) string { return filepath.Join(l.Dir, name) }
	return Paths{CA: in("ca.pem"), Server: in("server.pem"), ServerKey: in("server.key"), Bundle: in("bundle.pem")}
}

func serverNames(domain string, names []string) []string {
	all := []string{"localhost", "*.localhost", "127.0.0.1", "::1"}
	if domain != "" {
		all = append(all, domain, "*."+domain)
	}
	all = append(all, names...)
	slices.Sort(all)
	return slices.Compact(all)
}

// good reports whether a server certificate can go on.
func (l Local) good(server, ca tls.Certificate, names []string) bool {
	leaf := server.Leaf
	var have []string
	have = append(have, leaf.DNSNames...)
	for _, ip := range leaf.IPAddresses {
		have = append(have, ip.String())
	}
	slices.Sort(have)
	return leaf.CheckSignatureFrom(ca.Leaf) == nil && slices.Equal(have, names) &&
		leaf.NotAfter.Sub(l.time()) > renewBefore
}

// authority loads the local authority, or makes it where there is none. A damaged
// one is an error: clients may trust it, so it is never replaced unasked.
func (l Local) authority() (tls.Certificate, error) {
	key := filepath.Join(l.Dir, "ca.key")
	ca, err := tls.LoadX509KeyPair(l.paths().CA, key)
	if err == nil && ca.Leaf.NotAfter.After(l.time()) {
		return ca, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return ca, fmt.Errorf("load certificate authority: %w. Remove %s to have a new one made", err, l.Dir)
	}
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	ca, err = l.sign(nil, &x509.Certificate{
		Subject:               pkix.Name{CommonName: "Kigo local authority of " + host, Organization: []string{"Kigo"}},
		NotAfter:              l.time().Add(authorityLife),
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	})
	if err != nil {
		return ca, err
	}
	return ca, l.save(ca, l.paths().CA, key)
}

// issue makes a server certificate for names.
func (l Local) issue(ca tls.Certificate, names []string) (tls.Certificate, error) {
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "Kigo", Organization: []string{"Kigo"}},
		NotAfter:    l.time().Add(serverLife),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	return l.sign(&ca, template)
}

// sign makes a key and a certificate of template, by ca or, where it is nil, by itself.
func (l Local) sign(ca *tls.Certificate, template *x509.Certificate) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make key: %w", err)
	}
	template.NotBefore = l.time().Add(-backdate)
	template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make serial number: %w", err)
	}
	parent, signer := template, any(key)
	if ca != nil {
		parent, signer = ca.Leaf, ca.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("sign certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("sign certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}

// save writes the key first: a certificate without its key would be of no use.
func (l Local) save(c tls.Certificate, certPath, keyPath string) error {
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		return fmt.Errorf("encode key: %w", err)
	}
	if err := atomicfile.Write(keyPath, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		return err
	}
	return atomicfile.Write(certPath, encode(c.Certificate[0]), 0o644)
}

func encode(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func (l Local) time() time.Time {
	if l.now != nil {
		return l.now()
	}
	return time.Now()
}
