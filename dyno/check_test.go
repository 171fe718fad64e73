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

var byVars = kigo.ConfigVars{ReadinessVar: "/ready", LivenessVar: "live"}

// checkedApp makes a release with config vars that name checks, and serves what status says at
// the address of d.
func (b *bench) checkedApp(status *atomic.Int64, vars kigo.ConfigVars) kigo.Dyno {
	b.Helper()
	b.update(func(tx *store.Tx) error {
		r := kigo.Release{App: b.app.ID, Slug: b.rel.Slug, Stack: "heroku-22", User: b.app.Owner, Status: kigo.ReleaseSucceeded}
		err := tx.CreateRelease(&r, vars)
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
	}), ReadHeaderTimeout: time.Minute}
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
	d := b.checkedApp(&status, byVars)
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
	d := b.checkedApp(&status, byVars)
	b.listens(d, time.Now().Add(-2*kigo.BootTimeout))
	b.until("a stop", func() bool {
		s, err := b.engine.Status(t.Context(), RunID(d))
		return err == nil && s.State == kigo.RunStopping
	})
	b.end(d.ID, func(s *kigo.RunStatus) { s.ExitCode = 143 })
	reason := "Readiness check GET /ready was answered with 500 for 60 seconds"
	b.until("the crash", func() bool { return b.row(d.ID).Reason == reason && b.row(d.ID).Crashes == 1 })
	b.said("heroku[web.1]: " + reason)
}

func TestAFailingCheckSaysWhatItSaw(t *testing.T) {
	b := newBench(t)
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	at := func(path string) kigo.HealthCheck { return kigo.HealthCheck{Path: path, Timeout: checkTimeout} }
	if err := b.agent.ask(t.Context(), gone.Addr().String(), at("/x")); fmt.Sprint(err) != "GET /x was not answered" {
		t.Error(err)
	}
	if err := b.agent.ask(t.Context(), gone.Addr().String(), at("/\x00")); fmt.Sprint(err) != `has no proper path "/\x00"` {
		t.Error(err)
	}
}

const checkedJSON = `{"healthchecks": {"web": {
	"readiness": {"path": "/from-file", "attempts": 2, "interval": "1s", "delay": 1},
	"liveness": {"path": "/alive", "interval": 5, "timeout": "1500ms", "attempts": 7}}}}`

func TestChecksComeFromAppJSONAndConfigVarsWin(t *testing.T) {
	fresh := kigo.HealthCheck{Interval: readyEvery, Timeout: checkTimeout}
	alive := kigo.HealthCheck{Interval: aliveEvery, Timeout: checkTimeout, Attempts: aliveMisses}
	with := func(c kigo.HealthCheck, path string) kigo.HealthCheck { c.Path = path; return c }
	fileReady := kigo.HealthCheck{Path: "/from-file", Delay: time.Second, Interval: time.Second, Timeout: checkTimeout, Attempts: 2}
	fileAlive := kigo.HealthCheck{Path: "/alive", Interval: 5 * time.Second, Timeout: 1500 * time.Millisecond, Attempts: 7}
	tests := []struct {
		name             string
		vars             kigo.ConfigVars
		file             string
		ready, liveCheck kigo.HealthCheck
	}{
		{"neither", nil, "", fresh, alive},
		{"config vars alone", kigo.ConfigVars{ReadinessVar: "/r", LivenessVar: "/l"}, "", with(fresh, "/r"), with(alive, "/l")},
		{"app.json alone", nil, checkedJSON, fileReady, fileAlive},
		{"both", kigo.ConfigVars{ReadinessVar: "/r"}, checkedJSON, with(fileReady, "/r"), fileAlive},
		{"an app.json that cannot be read", nil, "{", fresh, alive},
		{"an app.json of another type", nil, `{"healthchecks": {"worker": {"liveness": "/x"}}}`, fresh, alive},
	}
	for _, tt := range tests {
		readiness, liveness := checksOf(tt.vars, tt.file)
		if readiness != tt.ready || liveness != tt.liveCheck {
			t.Errorf("%s: %+v %+v, want %+v %+v", tt.name, readiness, liveness, tt.ready, tt.liveCheck)
		}
	}
}

func TestADynoThatAppJSONFindsBadIsStoppedWithTheReason(t *testing.T) {
	b := newBench(t)
	var status atomic.Int64
	status.Store(500)
	b.update(func(tx *store.Tx) error {
		slug := kigo.Slug{App: b.app.ID, Digest: "sha256:two", ProcessTypes: map[string]string{"web": "./web"},
			AppJSON: `{"healthchecks": {"web": {"readiness": {"path": "/ready", "attempts": 2}}}}`}
		err := tx.CreateSlug(&slug)
		b.rel.Slug = slug.ID
		return err
	})
	d := b.checkedApp(&status, nil)
	b.listens(d, time.Now())
	reason := "Readiness check GET /ready was answered with 500 2 times"
	b.until("a stop", func() bool {
		s, err := b.engine.Status(t.Context(), RunID(d))
		return err == nil && s.State == kigo.RunStopping
	})
	b.end(d.ID, func(s *kigo.RunStatus) { s.ExitCode = 143 })
	b.until("the crash", func() bool { return b.row(d.ID).Reason == reason && b.logs.has("heroku[web.1]: "+reason) })
}
