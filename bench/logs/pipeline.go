package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/logplex"
	"github.com/kigo-dev/kigo/logplex/drain"
	"github.com/kigo-dev/kigo/outbound"
	"github.com/kigo-dev/kigo/secret"
	"github.com/kigo-dev/kigo/store"
)

// takeFrames is a receiver of Logplex frames; it says its address and certificate.
func takeFrames() error {
	var lines atomic.Int64
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if r.Method == http.MethodGet || err != nil { // how many have come
			fmt.Fprintln(w, lines.Load())
			return
		}
		lines.Add(int64(bytes.Count(body, []byte(" app web.1 - "))))
		w.WriteHeader(http.StatusNoContent)
	}))
	fmt.Println(s.URL)
	fmt.Println(base64.StdEncoding.EncodeToString(s.Certificate().Raw))
	select {}
}

// pipeline is the part of the control process that carries lines; without a receiver
// there is no drain.
func pipeline(receiver, certificate string) error {
	debug.SetGCPercent(300) // as the control process does
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	dir, err := os.MkdirTemp("", "kigo-logs-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var roots *x509.CertPool
	if receiver != "" {
		if roots, err = trust(certificate); err != nil {
			return err
		}
	}
	db, app, err := appWithDrain(ctx, dir, receiver)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	hub := &logplex.Hub{Dir: filepath.Join(dir, "logs")}
	loopback := outbound.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	loop := &drain.Loop{Store: db, Hub: hub, Outbound: loopback, Roots: roots, Log: slog.New(slog.DiscardHandler)}
	go func() { _ = loop.Run(ctx) }()
	go func() { _ = hub.Run(ctx) }()
	for receiver != "" && !begun(hub, app) {
		time.Sleep(10 * time.Millisecond)
	}
	var tailed atomic.Int64
	for range 3 {
		go func() {
			_ = hub.Tail(ctx, app, logplex.Filter{Follow: true}, func(_ uint64, l kigo.LogLine) error {
				if l.Source == "app" {
					tailed.Add(1)
				}
				return nil
			})
		}()
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ready := cpu() // what setting up the platform took is not the lines' cost
	fmt.Println(l.Addr())
	stop, err := profile()
	if err != nil {
		return err
	}
	if err := carry(l, hub, app); err != nil {
		return err
	}
	if receiver != "" {
		if err := drained(hub, app); err != nil {
			return err
		}
	}
	stop()
	fmt.Println(tailed.Load(), (cpu() - ready).Nanoseconds())
	return nil
}

// profile writes where the time goes to the file that KIGO_PROFILE names, with the number of the process.
func profile() (stop func(), err error) {
	path := os.Getenv("KIGO_PROFILE")
	if path == "" {
		return func() {}, nil
	}
	f, err := os.Create(path + "." + strconv.Itoa(os.Getpid()))
	if err != nil {
		return nil, err
	}
	return pprof.StopCPUProfile, pprof.StartCPUProfile(f)
}

// trust is a pool of one certificate.
func trust(certificate string) (*x509.CertPool, error) {
	der, err := base64.StdEncoding.DecodeString(certificate)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return roots, nil
}

// carry takes lines from one connection, as many at once as a read brings: what is
// read becomes one string, as where the platform reads a dyno's output.
func carry(l net.Listener, hub *logplex.Hub, app kigo.AppID) error {
	conn, err := l.Accept()
	if err != nil {
		return err
	}
	var lines []kigo.LogLine
	buf, left := make([]byte, 64<<10), 0
	for {
		n, err := conn.Read(buf[left:])
		end := bytes.LastIndexByte(buf[:left+n], '\n') + 1
		now := time.Now()
		for text := range strings.Lines(string(buf[:end])) {
			lines = append(lines, kigo.LogLine{Time: now, Source: "app", Process: "web.1", Message: text[:len(text)-1]})
		}
		left = copy(buf, buf[end:left+n])
		hub.Write(app, lines...)
		lines = lines[:0]
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func appWithDrain(ctx context.Context, dir, receiver string) (*store.Store, kigo.AppID, error) {
	box, err := secret.OpenBox(filepath.Join(dir, "key"))
	if err != nil {
		return nil, "", err
	}
	db, err := store.Open(ctx, "sqlite:"+filepath.Join(dir, "kigo.db"), store.Options{Box: box, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, "", err
	}
	c := control.Control{Store: db, Domain: "localhost"}
	account, err := c.EnsureOperator(ctx, "op@example.com", secret.NewToken())
	if err != nil {
		return nil, "", err
	}
	app, err := c.CreateApp(ctx, control.Actor{ID: account.ID}, control.NewApp{Name: "bench"})
	if err != nil {
		return nil, "", err
	}
	if receiver == "" {
		return db, app.ID, nil
	}
	d := kigo.Drain{App: app.ID, URL: receiver}
	return db, app.ID, db.Update(ctx, func(tx *store.Tx) error { return tx.CreateDrain(&d) })
}

// begun reports whether the drain has its place.
func begun(hub *logplex.Hub, app kigo.AppID) bool {
	found, _ := filepath.Glob(hub.File(app, "drain-*"))
	return len(found) > 0
}

// drained waits until the drain has no line and no frame left.
func drained(hub *logplex.Hub, app kigo.AppID) error {
	deadline := time.Now().Add(time.Minute)
	for {
		found, _ := filepath.Glob(hub.File(app, "drain-*"))
		for _, path := range found {
			data, err := os.ReadFile(path)
			last := data[max(0, bytes.LastIndex(data, []byte(`{"next":`))):] // the state that counts
			if err == nil && bytes.HasPrefix(last, fmt.Appendf(nil, `{"next":%d,`, hub.End(app))) && !bytes.Contains(last[:min(200, len(last))], []byte(`"frame"`)) {
				return nil
			}
		}
		if time.Now().After(deadline) {
			return errors.New("the drain does not come to an end")
		}
		time.Sleep(5 * time.Millisecond)
	}
}
