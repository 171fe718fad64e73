package cert

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kigo-dev/kigo/internal/testenv"
)

func load(t *testing.T, l Local, domain string, names ...string) (tls.Certificate, Paths) {
	t.Helper()
	loaded, err := l.Load(domain, names...)
	if err != nil {
		t.Fatal(err)
	}
	return loaded.Certificate, loaded.Paths
}

func TestTheServersCertificateIsTrustedForEveryNameThatItWasMadeFor(t *testing.T) {
	c, p := load(t, Local{Dir: t.TempDir()}, "kigo.example", "10.1.2.3", "other.example")
	ca, err := os.ReadFile(p.CA)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	for _, name := range []string{"localhost", "a.localhost", "127.0.0.1", "::1", "kigo.example", "app.kigo.example", "10.1.2.3", "other.example"} {
		if _, err := c.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"example.com", "a.b.kigo.example", "10.1.2.4"} {
		if _, err := c.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name}); err == nil {
			t.Errorf("%s is trusted", name)
		}
	}
}

func TestCertificatesLastOverRestartsAndAreRenewedInTime(t *testing.T) {
	now := time.Now()
	l := Local{Dir: t.TempDir(), now: func() time.Time { return now }}
	first, p := load(t, l, "d.example")
	ca, _ := os.ReadFile(p.CA)
	serial := func(c tls.Certificate) string { return c.Leaf.SerialNumber.String() }

	if again, _ := load(t, l, "d.example"); serial(again) != serial(first) {
		t.Error("a second Load made another certificate")
	}
	if other, _ := load(t, l, "e.example"); serial(other) == serial(first) {
		t.Error("another domain got the same certificate")
	}
	second, _ := load(t, l, "d.example")
	now = now.Add(serverLife - renewBefore - time.Minute)
	if kept, _ := load(t, l, "d.example"); serial(kept) != serial(second) {
		t.Error("renewed with more than 30 days left")
	}
	now = now.Add(2 * time.Minute)
	if renewed, _ := load(t, l, "d.example"); serial(renewed) == serial(second) {
		t.Error("not renewed with less than 30 days left")
	}
	if same, _ := os.ReadFile(p.CA); string(same) != string(ca) {
		t.Error("the authority changed")
	}
	now = now.Add(authorityLife)
	if _, p := load(t, l, "d.example"); func() bool { b, _ := os.ReadFile(p.CA); return string(b) == string(ca) }() {
		t.Error("an expired authority was kept")
	}
}

func TestKeysAreForRootAloneAndCertificatesForAll(t *testing.T) {
	_, p := load(t, Local{Dir: t.TempDir()}, "")
	want := map[string]os.FileMode{"ca.key": 0o600, "server.key": 0o600, "ca.pem": 0o644, "server.pem": 0o644, "bundle.pem": 0o644}
	got := map[string]os.FileMode{}
	entries, _ := os.ReadDir(filepath.Dir(p.CA))
	for _, e := range entries {
		info, _ := e.Info()
		got[e.Name()] = info.Mode()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestADamagedAuthorityIsAnErrorAndIsNotReplaced(t *testing.T) {
	dir := t.TempDir()
	_, p := load(t, Local{Dir: dir}, "")
	if err := os.WriteFile(p.CA, []byte("junk"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := (Local{Dir: dir}).Load(""); err == nil || !strings.Contains(err.Error(), "Remove "+dir) {
		t.Errorf("Load: %v", err)
	}
	if data, _ := os.ReadFile(p.CA); string(data) != "junk" {
		t.Error("it was replaced")
	}
}

func TestTheBundleHoldsTheAuthorityTheSystemsAndTheExtraFileOnce(t *testing.T) {
	dir := t.TempDir()
	system, extra := filepath.Join(dir, "system"), filepath.Join(dir, "extra")
	for path, text := range map[string]string{system: "SYSTEM\n\n", extra: "EXTRA"} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("SSL_CERT_FILE", system)
	for _, c := range []struct{ extra, want string }{
		{extra, "SYSTEM\nEXTRA\n"}, {system, "SYSTEM\n"}, {"", "SYSTEM\n"}, {filepath.Join(dir, "none"), "SYSTEM\n"},
	} {
		t.Setenv("NODE_EXTRA_CA_CERTS", c.extra)
		_, p := load(t, Local{Dir: filepath.Join(dir, "ca")}, "")
		ca, _ := os.ReadFile(p.CA)
		got, _ := os.ReadFile(p.Bundle)
		if string(got) != string(ca)+c.want {
			t.Errorf("with %q: the bundle is %q after the authority; want %q", c.extra, strings.TrimPrefix(string(got), string(ca)), c.want)
		}
	}
}

func TestCurlTrustsAnAppsHostByTheBundle(t *testing.T) {
	curl := testenv.NeedsProgram(t, "curl")
	l := Local{Dir: t.TempDir()}
	server, p := load(t, l, "localhost")
	issuer, err := l.Issuer("localhost", server)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Host) })
	web := &http.Server{Handler: handler, ErrorLog: log.New(io.Discard, "", 0)}
	go web.Serve(tls.NewListener(listener, &tls.Config{GetCertificate: issuer.GetCertificate}))
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	for _, host := range []string{"my-app.localhost", "localhost", "127.0.0.1"} {
		cmd := exec.CommandContext(t.Context(), curl, "-sS", "--noproxy", "*", "--cacert", p.Bundle,
			"--resolve", "my-app.localhost:"+port+":127.0.0.1", "https://"+host+":"+port+"/")
		if out, err := cmd.CombinedOutput(); err != nil || string(out) != host+":"+port {
			t.Errorf("%s: %q, %v", host, out, err)
		}
	}
	cmd := exec.CommandContext(t.Context(), curl, "-sS", "--noproxy", "*", "https://127.0.0.1:"+port+"/")
	if out, err := cmd.CombinedOutput(); err == nil {
		t.Errorf("trusted without the authority: %q", out)
	}
}

func TestOnlyNamesBelowASingleLabelGetTheirOwnCertificate(t *testing.T) {
	l := Local{Dir: t.TempDir()}
	server, _ := load(t, l, "kigo")
	issuer, err := l.Issuer("kigo", server)
	if err != nil {
		t.Fatal(err)
	}
	for name, own := range map[string]bool{
		"app.localhost": true, "APP.kigo.": true, "localhost": false, "kigo": false, "a.b.localhost": false,
		"evil.example": false, "": false, ".localhost": false, "127.0.0.1": false,
	} {
		got, err := issuer.GetCertificate(&tls.ClientHelloInfo{ServerName: name})
		if err != nil || (got.Leaf.SerialNumber.Cmp(server.Leaf.SerialNumber) != 0) != own {
			t.Errorf("%q: own certificate is not %v (%v)", name, own, err)
		}
		again, _ := issuer.GetCertificate(&tls.ClientHelloInfo{ServerName: name})
		if again.Leaf.SerialNumber.Cmp(got.Leaf.SerialNumber) != 0 {
			t.Errorf("%q: another certificate at the second handshake", name)
		}
	}
}

func FuzzAnyServerNameGetsACertificate(f *testing.F) {
	l := Local{Dir: f.TempDir()}
	loaded, err := l.Load("localhost")
	if err != nil {
		f.Fatal(err)
	}
	issuer, err := l.Issuer("localhost", loaded.Certificate)
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range []string{"a.localhost", "..", "*.localhost", "ü.localhost", "a b.localhost"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if c, err := issuer.GetCertificate(&tls.ClientHelloInfo{ServerName: name}); err != nil || c == nil {
			t.Errorf("%q: %v", name, err)
		}
	})
}
