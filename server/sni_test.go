package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/kigo-dev/kigo/internal/atomicfile"
	"github.com/kigo-dev/kigo/secret"
)

func TestUsersCertificatesAreServedByHost(t *testing.T) {
	dir := t.TempDir()
	box, err := secret.OpenBox(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	platform := &tls.Certificate{}
	r := &sniReader{path: filepath.Join(dir, sniFile), box: box, log: slog.Default(),
		other: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return platform, nil }}
	ask := func(host string) *tls.Certificate {
		r.look = time.Time{}
		c, err := r.GetCertificate(&tls.ClientHelloInfo{ServerName: host})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if ask("www.example.com") != platform {
		t.Error("without a file another certificate than the platform's is served")
	}
	write := func(hosts ...string) {
		all := []hostCertificate{{Host: "broken.example.com", Chain: "x", Key: "y"}}
		for _, h := range hosts {
			chain, key := selfSigned(t, h)
			all = append(all, hostCertificate{h, chain, key})
		}
		plain, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		if err := atomicfile.Write(r.path, box.Seal(sniPlace, plain), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("www.example.com", "*.example.org")
	exact := ask("WWW.example.com.")
	for host, users := range map[string]bool{"www.example.com": true, "a.example.org": true, "a.b.example.org": false, "example.org": false, "example.com": false, "broken.example.com": false, "": false} {
		if got := ask(host) != platform; got != users {
			t.Errorf("%q: a user's certificate is %v", host, got)
		}
	}
	if err := os.WriteFile(r.path, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if ask("www.example.com") != exact {
		t.Error("a damaged file takes away what was served")
	}
	write("other.example.com")
	if ask("www.example.com") != platform || ask("other.example.com") == platform {
		t.Error("the new file is not served")
	}
}

func selfSigned(t *testing.T, host string) (chain, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{host}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
}
