package dyno

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/secret"
	"github.com/kigo-dev/kigo/store"
)

// scripted is an Engine whose processes do what a test says. It exists to inject
// ends and failures that a real process shows only by chance.
type scripted struct {
	mu       sync.Mutex
	runs     map[kigo.DynoID]kigo.RunStatus
	launched []kigo.Launch
	watchers []func(kigo.RunStatus)
	fail     error // answer of the next Start
	noStop   int   // so many calls of Stop fail
	noRemove int   // so many calls of Remove fail
	execs    []kigo.Exec
	stats    map[kigo.DynoID]kigo.RunStats
	attached chan struct{} // not nil: until it is closed, no terminal can be connected
}

func (e *scripted) Prepare(context.Context, ...kigo.Image) error { return nil }

func (e *scripted) Start(_ context.Context, l kigo.Launch) error {
	e.mu.Lock()
	if err := e.fail; err != nil {
		e.fail = nil
		e.mu.Unlock()
		return err
	}
	e.launched = append(e.launched, l)
	e.mu.Unlock()
	e.set(l.ID, func(s *kigo.RunStatus) { s.State = kigo.RunStarting })
	return nil
}

// set changes one launch and tells the watchers.
func (e *scripted) set(id kigo.DynoID, change func(*kigo.RunStatus)) {
	e.mu.Lock()
	s := e.runs[id]
	s.ID = id
	change(&s)
	if e.runs == nil {
		e.runs = map[kigo.DynoID]kigo.RunStatus{}
	}
	e.runs[id] = s
	watchers := slices.Clone(e.watchers)
	e.mu.Unlock()
	for _, w := range watchers {
		w(s)
	}
}

func (e *scripted) Stop(_ context.Context, id kigo.DynoID) error {
	e.mu.Lock()
	if e.noStop > 0 {
		e.noStop--
		e.mu.Unlock()
		return errors.New("its shim does not answer")
	}
	e.mu.Unlock()
	e.set(id, func(s *kigo.RunStatus) {
		if s.State != kigo.RunExited && s.State != kigo.RunLost { // it may have ended meanwhile
			s.State = kigo.RunStopping
		}
	})
	return nil
}

func (e *scripted) Kill(_ context.Context, id kigo.DynoID) error {
	e.set(id, func(s *kigo.RunStatus) { s.State, s.ExitCode = kigo.RunExited, 137 })
	return nil
}

func (e *scripted) Status(_ context.Context, id kigo.DynoID) (kigo.RunStatus, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if s, ok := e.runs[id]; ok {
		return s, nil
	}
	return kigo.RunStatus{}, kigo.NotFound("launch")
}

func (b *bench) launches() (ids []kigo.DynoID) {
	b.engine.mu.Lock()
	defer b.engine.mu.Unlock()
	for _, l := range b.engine.launched {
		ids = append(ids, l.ID)
	}
	return ids
}

func (e *scripted) List(context.Context) (all []kigo.RunStatus, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range e.runs {
		all = append(all, s)
	}
	return all, nil
}

func (e *scripted) Remove(_ context.Context, id kigo.DynoID) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.noRemove > 0 {
		e.noRemove--
		return errors.New("its control group is busy")
	}
	delete(e.runs, id)
	return nil
}

func (e *scripted) Watch(ctx context.Context, f func(kigo.RunStatus)) error {
	e.mu.Lock()
	e.watchers = append(e.watchers, f)
	e.mu.Unlock()
	<-ctx.Done()
	return nil
}

func (e *scripted) Logs(context.Context, kigo.DynoID, uint64, func(Line)) error { return nil }

func (e *scripted) Attach(_ context.Context, id kigo.DynoID) (io.ReadWriteCloser, error) {
	if _, err := e.Status(context.Background(), id); err != nil {
		return nil, err
	}
	if e.attached != nil {
		select {
		case <-e.attached:
		default:
			return nil, errors.New("its shim does not answer yet")
		}
	}
	return nopCloser{new(strings.Builder)}, nil
}

func (e *scripted) Exec(_ context.Context, id kigo.DynoID, x kigo.Exec) (io.ReadWriteCloser, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if s, ok := e.runs[id]; !ok || s.State != kigo.RunReady {
		return nil, kigo.Conflict("not running")
	}
	e.execs = append(e.execs, x)
	return nopCloser{new(strings.Builder)}, nil
}

func (e *scripted) Dial(context.Context, kigo.DynoID, netip.AddrPort) (net.Conn, error) {
	return nil, errors.New("not in this test")
}

func (e *scripted) Stats(_ context.Context, id kigo.DynoID) (kigo.RunStats, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.stats[id], nil
}

type nopCloser struct{ *strings.Builder }

func (nopCloser) Read([]byte) (int, error) { return 0, io.EOF }
func (nopCloser) Close() error             { return nil }

// lines collects what the dyno manager says.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) Write(_ kigo.AppID, lines ...kigo.LogLine) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range lines {
		l.all = append(l.all, line.Source+"["+line.Process+"]: "+line.Message)
	}
}

func (l *lines) WriteFrom(app kigo.AppID, _ string, _ uint64, lines ...kigo.LogLine) {
	l.Write(app, lines...)
}
func (l *lines) Position(kigo.AppID, string) uint64 { return 0 }
func (l *lines) Forget(kigo.AppID, string)          {}

func (l *lines) since(n int) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.all[n:])
}

func (l *lines) has(line string) bool { return slices.Contains(l.since(0), line) }

// bench is an agent over a real store and a scripted engine.
type bench struct {
	*testing.T
	agent  *Agent
	engine *scripted
	logs   *lines
	app    kigo.App
	rel    kigo.Release
	room   *atomic.Pointer[Machine]
	ahead  *atomic.Int64 // nanoseconds that the store's clock is before this machine's
}

func (b *bench) setMachine(m Machine) { b.room.Store(&m) }

func newBench(t *testing.T) *bench {
	t.Helper()
	return newBenchWith(t, func(*Agent) {})
}

func newBenchWith(t *testing.T, change func(*Agent)) *bench {
	t.Helper()
	ahead := new(atomic.Int64)
	box, err := secret.NewBox(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "kigo.db"), store.Options{Box: box, Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{T: t, engine: &scripted{}, logs: &lines{}, room: new(atomic.Pointer[Machine]), ahead: ahead}
	b.setMachine(Machine{})
	b.agent = &Agent{
		Engine: b.engine, Store: st, Logs: b.logs, Log: slog.New(slog.DiscardHandler),
		IdleAfter: time.Hour,
		Machine:   func() Machine { return *b.room.Load() },
		Stack:     func(string, string) (kigo.Image, error) { return kigo.Image{Digest: "sha256:stack"}, nil },
	}
	change(b.agent)
	b.update(func(tx *store.Tx) error {
		owner := kigo.Account{Email: "a@example.com"}
		if err := tx.CreateAccount(&owner); err != nil {
			return err
		}
		b.app = kigo.App{Name: "myapp", Owner: owner.ID, Stack: "heroku-22", BuildStack: "heroku-22", Region: "us", UIDBase: kigo.UIDFirst}
		if err := tx.CreateApp(&b.app); err != nil {
			return err
		}
		slug := kigo.Slug{App: b.app.ID, Digest: "sha256:slug", ProcessTypes: map[string]string{"web": "./web"}}
		if err := tx.CreateSlug(&slug); err != nil {
			return err
		}
		b.rel = kigo.Release{App: b.app.ID, Slug: slug.ID, Stack: "heroku-22", User: owner.ID, Status: kigo.ReleaseSucceeded}
		return tx.CreateRelease(&b.rel, kigo.ConfigVars{"A": "1"})
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = b.agent.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-ended
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	b.until("the agent watches", func() bool {
		b.engine.mu.Lock()
		defer b.engine.mu.Unlock()
		return len(b.engine.watchers) > 0
	})
	return b
}

func (b *bench) update(f func(*store.Tx) error) {
	b.Helper()
	if err := b.agent.Store.Update(context.Background(), f); err != nil {
		b.Fatal(err)
	}
}

// create adds a dyno row and hints at it.
func (b *bench) create(d kigo.Dyno) kigo.Dyno {
	b.Helper()
	return b.createSized(d, "Basic")
}

func (b *bench) createSized(d kigo.Dyno, size string) kigo.Dyno {
	b.Helper()
	d.App, d.Release, d.Version, d.Size = b.app.ID, b.rel.ID, 1, size
	b.update(func(tx *store.Tx) error { return tx.CreateDyno(&d) })
	b.agent.Mark(d.ID)
	return d
}

// row is the dyno as the store has it; its ID is empty when there is none.
func (b *bench) row(id kigo.DynoID) (d kigo.Dyno) {
	_ = b.agent.Store.View(context.Background(), func(tx *store.Tx) (err error) {
		d, err = tx.Dyno(id)
		return err
	})
	return d
}

func (b *bench) state(id kigo.DynoID, want kigo.DynoState) {
	b.Helper()
	b.until("state "+string(want), func() bool { return b.row(id).State == want })
}

// said waits for a line: those about a new state follow it.
func (b *bench) said(line string) {
	b.Helper()
	b.until("the line "+line, func() bool { return b.logs.has(line) })
}

func (b *bench) until(what string, ok func() bool) {
	b.Helper()
	deadline := time.Now().Add(2 * time.Minute) // a machine may be busy
	for !ok() {
		if time.Now().After(deadline) {
			b.Fatalf("waited in vain for: %s; log:\n%s", what, strings.Join(b.logs.since(0), "\n"))
		}
		time.Sleep(2 * time.Millisecond)
	}
}
