package drain_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/logplex"
	"github.com/kigo-dev/kigo/store"
)

// certificate makes one that a test's authority vouches for, but for what is wrong.
func certificate(t *testing.T, spoil func(*x509.Certificate)) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	authority := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: now.Add(-48 * time.Hour), NotAfter: now.Add(48 * time.Hour)}
	root, err := x509.CreateCertificate(rand.Reader, authority, authority, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: now.Add(-24 * time.Hour), NotAfter: now.Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	spoil(leaf)
	der, err := x509.CreateCertificate(rand.Reader, leaf, authority, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	parsed, err := x509.ParseCertificate(root)
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func TestEachWayACertificateIsWrongIsToldByItsName(t *testing.T) {
	t.Parallel()
	for want, spoil := range map[string]func(*x509.Certificate){
		"certificate expired": func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Hour) },
		"hostname mismatch":   func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"other.example.com"} },
		"bad certificate":     func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} },
		"unknown ca":          nil,
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			untrusted := spoil == nil
			if untrusted {
				spoil = func(*x509.Certificate) {}
			}
			bad, roots := certificate(t, spoil)
			if untrusted {
				_, roots = certificate(t, spoil) // another authority
			}
			l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{bad}, MinVersion: tls.VersionTLS12})
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					go func() { _ = c.(*tls.Conn).Handshake(); _ = c.Close() }()
				}
			}()
			s := newSite(t)
			s.roots = roots
			s.drainTo("https://" + l.Addr().String() + "/")
			s.drainTo("syslog+tls://" + l.Addr().String())
			defer s.start()()
			eventually(t, 30*time.Second, func() error {
				s.write("web.1", 0, 1)
				told := 0
				err := s.hub.Tail(t.Context(), s.app, logplex.Filter{Process: "logplex", Lines: 100}, func(_ uint64, l kigo.LogLine) error {
					if strings.HasPrefix(l.Message, fmt.Sprintf(`Error L14 (certificate validation): error=%q uri="`, want)) {
						told++
					} else if strings.Contains(l.Message, "L14") {
						t.Errorf("told %q", l.Message)
					}
					return nil
				})
				if err == nil && told < 2 {
					err = fmt.Errorf("told %d times", told)
				}
				return err
			})
		})
	}
}

// TestLinesGetThroughABadNetwork puts a proxy that delays, cuts and resets between
// the drain and its receiver.
func TestLinesGetThroughABadNetwork(t *testing.T) {
	t.Parallel()
	for name, toxic := range map[string]string{
		"delay":       `{"type":"latency","stream":"upstream","attributes":{"latency":50,"jitter":30}}`,
		"slow":        `{"type":"bandwidth","stream":"upstream","attributes":{"rate":300}}`,
		"small parts": `{"type":"slicer","stream":"upstream","attributes":{"average_size":500,"size_variation":200,"delay":10}}`,
		"cut off":     `{"type":"limit_data","stream":"upstream","attributes":{"bytes":20000}}`,
		"no answer":   `{"type":"limit_data","stream":"downstream","attributes":{"bytes":100}}`,
		"reset":       `{"type":"reset_peer","stream":"upstream","attributes":{"timeout":10}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, s := newReceiver(t), newSite(t)
			s.roots = r.roots()
			proxy := toxiproxy.NewProxy(toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()), "drain", "127.0.0.1:0", r.addr)
			if err := proxy.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(proxy.Stop)
			d := s.drainTo("https://" + proxy.Listen)
			defer s.start()()
			s.ready(d)
			s.write("web.1", 0, 500)
			r.waitFor(500)
			if _, err := proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
				t.Fatal(err)
			}
			s.write("web.1", 500, 1000)
			n := 1500
			if fatal := name == "cut off" || name == "no answer" || name == "reset"; fatal {
				eventually(t, time.Minute, func() error { // it does some harm
					delivered, _ := r.total()
					if delivered < n || r.repeated() > 0 {
						return nil
					}
					s.write("web.1", n, 10) // one request may have had them all
					n += 10
					return fmt.Errorf("all went well")
				})
				proxy.Toxics.ResetToxics(t.Context())
			}
			r.waitFor(n)
			r.inOrder()
		})
	}
}

func (r *receiver) repeated() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.again
}

// TestOneAppsFloodDelaysNobodyElsesLines has one app write as much as it can, beyond
// its rate, while another's lines must all arrive.
func TestOneAppsFloodDelaysNobodyElsesLines(t *testing.T) {
	t.Parallel()
	r, s := newReceiver(t), newSite(t)
	s.roots = r.roots()
	s.hub.Rate = 16 << 20
	d := s.drainTo("https://" + r.addr)
	defer s.start()()
	s.ready(d)
	end := make(chan struct{})
	var flood sync.WaitGroup
	flood.Go(func() {
		text := strings.Repeat("x", 1000)
		for {
			select {
			case <-end:
				return
			default:
			}
			lines := make([]kigo.LogLine, 500)
			for i := range lines {
				lines[i] = kigo.LogLine{Source: "app", Process: "web.1", Message: text}
			}
			s.hub.Write("flooding-app", lines...)
		}
	})
	for i := range 20 {
		s.write("web.1", i*100, 100)
		r.waitFor((i + 1) * 100)
	}
	close(end)
	flood.Wait()
	r.inOrder()
	if _, dropped := r.total(); dropped > 0 {
		t.Errorf("%d lines of the quiet app were dropped", dropped)
	}
	eventually(t, time.Minute, func() error { // the flood is told how much of it went
		told := false
		err := s.hub.Tail(t.Context(), "flooding-app", logplex.Filter{Process: kigo.LogShuttle, Lines: 10}, func(_ uint64, l kigo.LogLine) error {
			told = told || strings.HasPrefix(l.Message, "Error L12: ")
			return nil
		})
		if err == nil && !told {
			err = fmt.Errorf("no L12")
		}
		return err
	})
}

// TestAThousandDrainsAndTailsAtOnceGetEveryLine runs 1,000 drains of 200 apps to one
// receiver, and 1,000 tails.
func TestAThousandDrainsAndTailsAtOnceGetEveryLine(t *testing.T) {
	t.Parallel()
	r, s := newReceiver(t), newSite(t)
	s.roots = r.roots()
	const apps, each, lines = 200, 5, 5
	account := s.owner
	var all []kigo.AppID
	err := s.store.Update(t.Context(), func(tx *store.Tx) error {
		for i := range apps {
			app := kigo.App{Name: fmt.Sprint("many", i), Owner: account, Stack: "heroku-22", Region: "us"}
			if err := tx.CreateApp(&app); err != nil {
				return err
			}
			all = append(all, app.ID)
			for n := range each {
				if err := tx.CreateDrain(&kigo.Drain{App: app.ID, URL: fmt.Sprintf("https://%s/%d", r.addr, n)}); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.start()()
	eventually(t, time.Minute, func() error {
		if found, _ := filepath.Glob(filepath.Join(s.hub.Dir, "*", "drain-*")); len(found) < apps*each {
			return fmt.Errorf("%d of %d drains have begun", len(found), apps*each)
		}
		return nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	var mu sync.Mutex
	tailed := 0
	var tails sync.WaitGroup
	for _, app := range all {
		for range each {
			tails.Go(func() {
				_ = s.hub.Tail(ctx, app, logplex.Filter{Lines: lines, Follow: true}, func(uint64, kigo.LogLine) error {
					mu.Lock()
					defer mu.Unlock()
					tailed++
					return nil
				})
			})
		}
	}
	for i := range lines {
		for _, app := range all {
			s.hub.Write(app, kigo.LogLine{Source: "app", Process: "web.1", Message: fmt.Sprint(i)})
		}
	}
	r.waitFor(apps * each * lines)
	eventually(t, time.Minute, func() error {
		mu.Lock()
		defer mu.Unlock()
		if tailed != apps*each*lines {
			return fmt.Errorf("%d of %d lines tailed", tailed, apps*each*lines)
		}
		return nil
	})
	cancel()
	tails.Wait()
}

// TestHugeTextsWithoutALineEndAreCutAndArriveWhole writes 100 MB as one line, and
// bytes that are none of anybody's business.
func TestHugeTextsWithoutALineEndAreCutAndArriveWhole(t *testing.T) {
	t.Parallel()
	h := &logplex.Hub{}
	const app = kigo.AppID("huge")
	h.Keep(app, kigo.LogRetention{Lines: 100_000, Bytes: 32 << 20})
	h.Write(app, kigo.LogLine{Source: "app", Process: "web.1", Message: strings.Repeat("x", 100<<20) + "end \x00\x1b[2J\xff"})
	total, last := 0, ""
	err := h.Tail(t.Context(), app, logplex.Filter{Lines: 100_000}, func(_ uint64, l kigo.LogLine) error {
		if len(l.Message) > kigo.MaxLogLine {
			t.Fatalf("a line has %d bytes", len(l.Message))
		}
		total, last = total+len(l.Message), l.Message
		return nil
	})
	if err != nil || total > 32<<20 || total < 31<<20 || !strings.HasSuffix(last, "end \uFFFD\x1b[2J\uFFFD") {
		t.Errorf("%d bytes are kept, the last are %.30q, %v", total, last[max(0, len(last)-30):], err)
	}
}

// TestADiskThatIsFullStopsNoLineAndIsForgivenLater takes the drain's place on disk
// away for a while.
func TestADiskThatIsFullStopsNoLineAndIsForgivenLater(t *testing.T) {
	t.Parallel()
	r, s := newReceiver(t), newSite(t)
	s.roots = r.roots()
	d := s.drainTo("https://" + r.addr)
	stop := s.start()
	s.ready(d)
	stop()
	place := s.hub.File(s.app, "drain-"+d.ID) + ".new"
	if err := os.MkdirAll(filepath.Join(place, "x"), 0o700); err != nil { // a folder where a file should be: every write fails
		t.Fatal(err)
	}
	s.hub = &logplex.Hub{Dir: s.hub.Dir}
	stop = s.start()
	s.write("web.1", 0, 700)
	r.waitFor(700)
	if err := os.RemoveAll(place); err != nil {
		t.Fatal(err)
	}
	s.write("web.1", 700, 300)
	r.waitFor(1000)
	stop()
	s.hub = &logplex.Hub{Dir: s.hub.Dir}
	defer s.start()()
	s.write("web.1", 1000, 10)
	r.waitFor(1010)
	r.inOrder()
}

// TestWhatAReceiverAnswersHoldsUpNothing has receivers answer with what nobody wants to
// read: gigabytes, an archive that unpacks to them, and one that says no and sends them.
func TestWhatAReceiverAnswersHoldsUpNothing(t *testing.T) {
	t.Parallel()
	flood := func(w io.Writer, part []byte) { // until the sender hangs up
		for {
			if _, err := w.Write(part); err != nil {
				return
			}
		}
	}
	zeros := make([]byte, 1<<20)
	var archive bytes.Buffer // many of them one after the other are an archive, too
	packer := gzip.NewWriter(&archive)
	if _, err := packer.Write(zeros); err != nil {
		t.Fatal(err)
	}
	if err := packer.Close(); err != nil {
		t.Fatal(err)
	}
	for name, answer := range map[string]func(w http.ResponseWriter, n int){
		"gigabytes": func(w http.ResponseWriter, _ int) { flood(w, zeros) },
		"an archive": func(w http.ResponseWriter, _ int) {
			w.Header().Set("Content-Encoding", "gzip")
			flood(w, archive.Bytes())
		},
		"a refusal": func(w http.ResponseWriter, n int) {
			if n%2 == 1 {
				w.WriteHeader(http.StatusServiceUnavailable)
				flood(w, zeros)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, s := newReceiver(t), newSite(t)
			n := 0
			front := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				body, err := io.ReadAll(req.Body)
				if err != nil {
					return
				}
				r.mu.Lock()
				n++
				this := n
				if name != "a refusal" || this%2 == 0 {
					r.take(req, body)
				}
				r.mu.Unlock()
				answer(w, this)
			}))
			t.Cleanup(front.Close)
			s.roots = x509.NewCertPool()
			s.roots.AddCert(front.Certificate())
			d := s.drainTo(front.URL)
			stop := s.start()
			defer stop()
			s.ready(d)
			for i := range 5 {
				s.write("web.1", i*100, 100)
				r.waitFor((i + 1) * 100)
			}
			r.inOrder()
		})
	}
}
