package dyno

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

// ownLoopback is an address on which nobody else has ports.
const ownLoopback = "127.83.71.59"

// checkedApp makes the release name both checks, and serves what status says at
// the address of d.
func (b *bench) checkedApp(status *atomic.Int64) kigo.Dyno {
	b.Helper()
	b.update(func(tx *store.Tx) error {
		r := kigo.Release{App: b.app.ID, Slug: b.rel.Slug, Stack: "heroku-22", User: b.app.Owner, Status: kigo.ReleaseSucceeded}
		err := tx.CreateRelease(&r, kigo.ConfigVars{ReadinessVar: "/ready", LivenessVar: "live"})
		b.rel = r
		return err
	})
	d := b.create(kigo.Dyno{Type: "web", Number: 1, Command: "./web"})
	l, err := net.Listen("tcp", net.JoinHostPort(ownLoopback, strconv.Itoa(port(d.ID))))
	if err != nil {
		b.Fatal("the port that this dyno's id leads to is taken")
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/ready" && r.URL.Path != "/live" || r.Header.Get("User-Agent") != "kigo-check" {
			b.Errorf("asked for %s by %s", r.URL.Path, r.Header.Get("User-Agent"))
		}
		w.WriteHeader(int(status.Load()))
	}), ReadHeaderTimeout: time.Second}
	go func() { _ = server.Serve(l) }()
	b.Cleanup(func() { _ = server.Close() })
	return d
}

func (b *bench) listens(d kigo.Dyno, since time.Time) {
	b.Helper()
	b.until("a launch", func() bool { _, err := b.engine.Status(b.Context(), RunID(d)); return err == nil })
	b.engine.set(RunID(d), func(s *kigo.RunStatus) { s.State, s.Address, s.StartedAt = kigo.RunReady, ownLoopback, since })
}

func TestADynoGetsNoRequestsBeforeItsReadinessCheckPasses(t *testing.T) {
	b := newBench(t)
	var status atomic.Int64
	status.Store(503)
	d := b.checkedApp(&status)
	b.listens(d, time.Now())
	b.until("a check", func() bool {
		b.agent.checks.mu.Lock()
		defer b.agent.checks.mu.Unlock()
		return len(b.agent.checks.all) == 1
	})
	if s := b.row(d.ID).State; s != kigo.DynoStarting {
		t.Errorf("state %s", s)
	}
	status.Store(302)
	b.state(d.ID, kigo.DynoUp)
}

func TestADynoThatIsNeverReadyCrashesWithTheReason(t *testing.T) {
	b := newBench(t)
	var status atomic.Int64
	status.Store(500)
	d := b.checkedApp(&status)
	b.listens(d, time.Now().Add(-2*kigo.BootTimeout))
	b.until("a stop", func() bool {
		s, err := b.engine.Status(t.Context(), RunID(d))
		return err == nil && s.State == kigo.RunStopping
	})
	b.end(d.ID, func(s *kigo.RunStatus) { s.ExitCode = 143 })
	reason := "Readiness check GET /ready was answered with 500 for 60 seconds"
	b.until("the crash", func() bool { return b.row(d.ID).Reason == reason && b.row(d.ID).Crashes == 1 })
	if !b.logs.has("heroku[web.1]: " + reason) {
		t.Errorf("log %q", b.logs.since(0))
	}
}

func TestAFailingCheckSaysWhatItSaw(t *testing.T) {
	b := newBench(t)
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	if err := b.agent.ask(t.Context(), gone.Addr().String(), "/x"); fmt.Sprint(err) != "GET /x was not answered" {
		t.Error(err)
	}
	if err := b.agent.ask(t.Context(), gone.Addr().String(), "/\x00"); fmt.Sprint(err) != `has no proper path "/\x00"` {
		t.Error(err)
	}
}
