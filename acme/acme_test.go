package acme

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/internal/pebbletest"
	"github.com/kigo-dev/kigo/secret"
	"github.com/kigo-dev/kigo/store"
	"github.com/kigo-dev/kigo/store/storetest"
)

// site is a platform with one app, a certificate authority, and what answers on
// port 80 as the router would.
type site struct {
	*store.Store
	t         *testing.T
	control   *control.Control
	authority *pebbletest.Authority
	loop      *Loop
	actor     control.Actor
	app       kigo.App
	lines     lines
}

type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) Write(_ kigo.AppID, more ...kigo.LogLine) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range more {
		l.all = append(l.all, line.Message)
	}
}

func newSite(t *testing.T, env ...string) *site {
	t.Helper()
	t.Parallel()
	s := &site{Store: storetest.OpenSQLite(t), t: t}
	front := httptest.NewServer(s)
	t.Cleanup(front.Close)
	s.authority = pebbletest.Start(t, pebbletest.Options{HTTPPort: front.Listener.Addr().(*net.TCPAddr).Port, Env: env})
	s.control = &control.Control{Store: s.Store, Domain: "localhost", ACME: true}
	who, err := s.control.EnsureOperator(t.Context(), "operator@localhost", secret.NewToken())
	if err != nil {
		t.Fatal(err)
	}
	s.actor = control.Actor{ID: who.ID, Email: who.Email}
	if s.app, err = s.control.CreateApp(t.Context(), s.actor, control.NewApp{Name: "demo"}); err != nil {
		t.Fatal(err)
	}
	s.loop = &Loop{Store: s.Store, Logs: &s.lines, Directory: s.authority.Directory, Roots: s.authority.Roots, Log: slog.New(slog.DiscardHandler)}
	return s
}

// ServeHTTP answers challenges as the router does.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var all []kigo.Challenge
	err := s.View(r.Context(), func(tx *store.Tx) (err error) {
		all, err = tx.Challenges(s.app.ID)
		return err
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	host, _, _ := strings.Cut(r.Host, ":")
	for _, c := range all {
		if c.Host == host && r.URL.Path == "/.well-known/acme-challenge/"+c.Token {
			_, _ = w.Write([]byte(c.Answer))
			return
		}
	}
	http.NotFound(w, r)
}

// run starts the loop, which ends with the test.
func (s *site) run() {
	ctx, cancel := context.WithCancel(s.t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := s.loop.Run(ctx); err != nil {
			s.t.Error(err)
		}
	}()
	s.t.Cleanup(func() { cancel(); <-ended })
}

func (s *site) domain(host string) {
	s.t.Helper()
	if _, err := s.control.AddDomain(s.t.Context(), s.actor, s.app.ID, host, ""); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) enable() {
	s.t.Helper()
	if _, err := s.control.EnableACM(s.t.Context(), s.actor, s.app.ID); err != nil {
		s.t.Fatal(err)
	}
}

// await waits until a domain is as f wants it.
func (s *site) await(host, what string, f func(kigo.Domain) bool) kigo.Domain {
	s.t.Helper()
	for end := time.Now().Add(time.Minute); ; {
		d := s.read(host)
		if f(d) {
			return d
		}
		if time.Now().After(end) {
			s.t.Fatalf("%s never was %s: %+v", host, what, d)
		}
		<-time.After(20 * time.Millisecond)
	}
}

func (s *site) read(host string) (d kigo.Domain) {
	s.t.Helper()
	err := s.View(context.Background(), func(tx *store.Tx) (err error) {
		d, err = tx.FindDomain(s.app.ID, host)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}

func (s *site) certificates() (all []kigo.SNIEndpoint) {
	s.t.Helper()
	err := s.View(context.Background(), func(tx *store.Tx) (err error) {
		all, err = tx.SNIEndpoints(s.app.ID)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

func issued(d kigo.Domain) bool { return d.Automatic.Status == kigo.ACMIssued }

// verify checks a certificate up to the authority's root.
func (s *site) verify(e kigo.SNIEndpoint, host string) *x509.Certificate {
	s.t.Helper()
	leaf, err := control.Leaf(e.Chain)
	if err != nil {
		s.t.Fatal(err)
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AppendCertsFromPEM(s.authority.Issuers(s.t))
	between.AppendCertsFromPEM([]byte(e.Chain))
	if _, err := leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: roots, Intermediates: between}); err != nil {
		s.t.Error(err)
	}
	return leaf
}

func TestDomainsGetCertificates(t *testing.T) {
	s := newSite(t, "PEBBLE_WFE_NONCEREJECT=30") // an authority is allowed to lose count
	s.domain("www.example.com")
	s.domain("*.example.org")
	s.run()
	s.enable()
	s.loop.Mark(s.app.ID)
	s.await("www.example.com", "issued", issued)
	s.domain("api.example.com") // later
	s.loop.Mark(s.app.ID)
	s.await("api.example.com", "issued", issued)

	all := s.certificates()
	if len(all) != 2 || !all[0].Automatic || s.read("www.example.com").SNIEndpoint != all[0].ID {
		t.Fatalf("certificates: %+v", all)
	}
	s.verify(all[0], "www.example.com")
	s.verify(all[1], "api.example.com")
	if d := s.read("*.example.org"); d.Automatic.Status != kigo.ACMFailed || !strings.Contains(d.Automatic.Reason, "certs:add") {
		t.Errorf("wildcard: %+v", d.Automatic)
	}
	if err := s.View(t.Context(), func(tx *store.Tx) error {
		left, err := tx.Challenges(s.app.ID)
		if len(left) > 0 {
			t.Errorf("challenges left: %v", left)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestOneThatLeadsElsewhereFailsInTheAuthoritysWords(t *testing.T) {
	s := newSite(t)
	s.domain("nowhere.example")
	s.run()
	s.enable()
	s.loop.Mark(s.app.ID)
	d := s.await("nowhere.example", "failing", func(d kigo.Domain) bool { return d.Automatic.Status == kigo.ACMFailing })
	if d.Automatic.Tries != 1 || !d.Automatic.Next.After(time.Now()) || !strings.Contains(d.Automatic.Reason, "nowhere.example") {
		t.Errorf("state: %+v", d.Automatic)
	}
	if len(s.certificates()) > 0 {
		t.Error("it has a certificate")
	}
	// Its owner asks again at once.
	if _, err := s.control.RefreshACM(t.Context(), s.actor, s.app.ID); err != nil {
		t.Fatal(err)
	}
	// It may have begun already.
	if d := s.read("nowhere.example"); d.Automatic.Status != "" && d.Automatic.Status != kigo.ACMInProgress || d.Automatic.Tries != 0 {
		t.Errorf("after refresh: %+v", d.Automatic)
	}
	s.loop.Mark(s.app.ID)
	s.await("nowhere.example", "failing again", func(d kigo.Domain) bool { return d.Automatic.Status == kigo.ACMFailing })
}

func TestACertificateIsRenewedInTimeAndTheAccountIsMadeAnewWhenItIsLost(t *testing.T) {
	s := newSite(t)
	s.domain("www.example.com")
	s.enable()
	old, key := selfSigned(t, "www.example.com", time.Now().Add(-80*24*time.Hour), time.Now().Add(10*24*time.Hour))
	err := s.Update(t.Context(), func(tx *store.Tx) error {
		e := kigo.SNIEndpoint{App: s.app.ID, Name: "old", Automatic: true, Chain: old, PrivateKey: key}
		if err := tx.CreateSNIEndpoint(&e); err != nil {
			return err
		}
		d, err := tx.FindDomain(s.app.ID, "www.example.com")
		if err != nil {
			return err
		}
		d.SNIEndpoint, d.Automatic.Status = e.ID, kigo.ACMIssued
		return tx.UpdateAutomaticCertificate(&d)
	})
	if err != nil {
		t.Fatal(err)
	}
	before := s.certificates()[0].ID

	// An account that this authority has never heard of.
	s.loop.client = newClient(s.loop)
	other := pebbletest.Start(t, pebbletest.Options{HTTPPort: 1})
	stranger := &Loop{Store: s.Store, Directory: other.Directory, Roots: other.Roots, Log: s.loop.Log}
	if _, _, err := newClient(stranger).obtain(t.Context(), kigo.Domain{App: s.app.ID, Hostname: "x.nowhere.example"}); err == nil {
		t.Fatal("a name that leads nowhere got a certificate")
	}
	err = s.Update(t.Context(), func(tx *store.Tx) error {
		text, err := tx.ACMEAccount(other.Directory)
		if err != nil {
			return err
		}
		moved := strings.ReplaceAll(string(text), strings.TrimSuffix(other.Directory, "/dir"), strings.TrimSuffix(s.authority.Directory, "/dir"))
		return tx.PutACMEAccount(s.authority.Directory, []byte(moved))
	})
	if err != nil {
		t.Fatal(err)
	}

	s.run()
	s.loop.Mark(s.app.ID)
	d := s.await("www.example.com", "failing", func(d kigo.Domain) bool { return d.Automatic.Status == kigo.ACMFailing })
	if d.SNIEndpoint != before || !strings.Contains(d.Automatic.Reason, "accountDoesNotExist") {
		t.Errorf("with an unknown account: %+v", d)
	}
	if _, err := s.control.RefreshACM(t.Context(), s.actor, s.app.ID); err != nil {
		t.Fatal(err)
	}
	s.loop.Mark(s.app.ID)
	s.await("www.example.com", "issued", issued)
	now := s.certificates()
	if len(now) != 1 || now[0].ID != before {
		t.Fatalf("certificates: %+v", now)
	}
	s.verify(now[0], "www.example.com")
}

func TestOwnCertificatesStayAndDisablingRemovesTheOthers(t *testing.T) {
	s := newSite(t)
	s.domain("own.example.com")
	s.domain("www.example.com")
	chain, key := selfSigned(t, "own.example.com", time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour))
	own, err := s.control.AddCertificate(t.Context(), s.actor, s.app.ID, chain, key)
	if err != nil {
		t.Fatal(err)
	}
	s.run()
	s.enable()
	s.loop.Mark(s.app.ID)
	s.await("www.example.com", "issued", issued)
	if d := s.read("own.example.com"); d.SNIEndpoint != own.ID || d.Automatic.Status != "" {
		t.Errorf("a domain with a certificate of its own: %+v", d)
	}
	if _, err := s.control.DisableACM(t.Context(), s.actor, s.app.ID); err != nil {
		t.Fatal(err)
	}
	if all := s.certificates(); len(all) != 1 || all[0].ID != own.ID {
		t.Errorf("left: %+v", all)
	}
	if d := s.read("www.example.com"); d.SNIEndpoint != "" || d.Automatic.Status != "" {
		t.Errorf("domain: %+v", d)
	}
}

// selfSigned makes a certificate for a host, and its key.
func selfSigned(t *testing.T, host string, from, to time.Time) (chain, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{host}, NotBefore: from, NotAfter: to}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	text, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text}))
}
