// Package pebbletest starts a certificate authority for tests: pebble, the small
// ACME server of Let's Encrypt, from Debian, on loopback. Whatever name it is asked
// about it finds at 127.0.0.1, but for those below "nowhere.example".
package pebbletest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/kigo-dev/kigo/internal/testenv"
)

// Authority is a running certificate authority.
type Authority struct {
	Directory string // address of its ACME directory
	CAFile    string // what the directory's own certificate is checked with, PEM
	Roots     *x509.CertPool
	manage    string
}

// Options of Start.
type Options struct {
	HTTPPort int      // where it looks for challenges; 80 is what real ones use
	Env      []string // pebble's switches, such as PEBBLE_WFE_NONCEREJECT=50
}

// Start runs an authority until the test ends.
func Start(t testing.TB, o Options) *Authority {
	t.Helper()
	program, err := exec.LookPath("pebble")
	if err != nil {
		t.Fatal("pebble is missing: script/setup installs it")
	}
	dir := t.TempDir()
	a := &Authority{CAFile: filepath.Join(dir, "ca.pem"), Roots: x509.NewCertPool()}
	key := filepath.Join(dir, "key.pem")
	a.makeCertificate(t, key)
	listen, manage := freeAddress(t), freeAddress(t)
	a.Directory, a.manage = "https://"+listen+"/dir", "https://"+manage
	settings := map[string]any{
		"listenAddress": listen, "managementListenAddress": manage, "certificate": a.CAFile, "privateKey": key,
		"httpPort": o.HTTPPort, "tlsPort": o.HTTPPort, "ocspResponderURL": "",
	}
	text, err := json.Marshal(map[string]any{"pebble": settings})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "pebble.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	run := exec.Command(program, "-config", file, "-dnsserver", serveNames(t))
	run.Env = append(append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_AUTHZREUSE=0", "PEBBLE_WFE_NONCEREJECT=0"), o.Env...)
	var log strings.Builder
	run.Stdout, run.Stderr = &log, &log
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = run.Process.Kill()
		_ = run.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	a.await(t)
	return a
}

// client asks the authority itself.
func (a *Authority) client() *http.Client {
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: a.Roots, MinVersion: tls.VersionTLS12}}}
}

// Issuers are the roots, as PEM, that the certificates which it gives out lead up to.
func (a *Authority) Issuers(t testing.TB) []byte {
	t.Helper()
	res, err := a.client().Get(a.manage + "/roots/0")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (a *Authority) await(t testing.TB) {
	t.Helper()
	client := a.client()
	for end := time.Now().Add(30 * time.Second); ; {
		res, err := client.Get(a.Directory)
		if err == nil {
			res.Body.Close()
			return
		}
		if time.Now().After(end) {
			t.Fatalf("pebble never answered: %v", err)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// makeCertificate makes the authority's own certificate, signed by itself.
func (a *Authority) makeCertificate(t testing.TB, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "test authority"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	a.Roots.AppendCertsFromPEM(cert)
	for file, text := range map[string][]byte{a.CAFile: cert, keyFile: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func freeAddress(t testing.TB) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", testenv.Port(t))
}

// serveNames answers DNS questions: every name is at 127.0.0.1.
func serveNames(t testing.TB) string {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pc.Close() })
	go func() {
		buf := make([]byte, 4096)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			if reply, err := answerName(buf[:n]); err == nil {
				_, _ = pc.WriteTo(reply, from)
			}
		}
	}()
	return pc.LocalAddr().String()
}

func answerName(question []byte) ([]byte, error) {
	var m dnsmessage.Message
	if err := m.Unpack(question); err != nil {
		return nil, err
	}
	m.Response, m.Authoritative, m.RecursionAvailable = true, true, true
	m.Additionals, m.Answers = nil, nil
	for _, q := range m.Questions {
		if strings.HasSuffix(q.Name.String(), "nowhere.example.") {
			m.RCode = dnsmessage.RCodeNameError
			continue
		}
		if q.Type == dnsmessage.TypeA {
			m.Answers = append(m.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1},
				Body:   &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}},
			})
		}
	}
	return m.Pack()
}
