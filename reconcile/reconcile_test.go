package reconcile

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// probe is a Reconciler that takes a while, answers as told and remembers when
// it was called.
type probe struct {
	t      *testing.T
	took   time.Duration
	answer func(call int) (Result, error)

	mu    sync.Mutex
	began time.Time
	busy  map[string]bool
	at    []time.Duration
}

func (p *probe) Reconcile(_ context.Context, key string) (Result, error) {
	p.mu.Lock()
	if p.busy[key] {
		p.t.Errorf("key %s is worked on twice at once", key)
	}
	p.busy[key] = true
	p.at = append(p.at, time.Since(p.began))
	call := len(p.at)
	p.mu.Unlock()
	time.Sleep(p.took)
	p.mu.Lock()
	p.busy[key] = false
	p.mu.Unlock()
	if p.answer == nil {
		return Result{}, nil
	}
	return p.answer(call)
}

// run starts a loop over p inside a synctest bubble; the returned function ends it.
func run(t *testing.T, p *probe, keys ...string) (*Loop, func()) {
	t.Helper()
	p.t, p.began, p.busy = t, time.Now(), map[string]bool{}
	l := &Loop{Settings: Settings{
		Name: "test", Reconciler: p, Workers: 3, Resync: time.Hour,
		MinBackoff: 100 * time.Millisecond, MaxBackoff: time.Second,
		Keys: func(context.Context) ([]string, error) { return keys, nil },
		Log:  slog.New(slog.DiscardHandler),
	}}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = l.Run(ctx) }()
	synctest.Wait()
	return l, func() { cancel(); <-ended }
}

func TestManyHintsDuringACallCauseOneMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &probe{took: time.Second}
		l, end := run(t, p)
		l.Mark("a")
		time.Sleep(500 * time.Millisecond)
		for range 50 {
			l.Mark("a")
		}
		time.Sleep(time.Minute)
		end()
		if want := []time.Duration{0, time.Second}; !slices.Equal(p.at, want) {
			t.Errorf("called at %v, want %v", p.at, want)
		}
	})
}

func TestFailuresWaitLongerAndSuccessForgetsThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &probe{answer: func(call int) (Result, error) {
			if call < 6 {
				return Result{}, errors.New("not yet")
			}
			return Result{}, nil
		}}
		l, end := run(t, p)
		l.Mark("a")
		time.Sleep(50 * time.Millisecond)
		l.Mark("a") // must not shorten the wait
		time.Sleep(time.Minute)
		end()
		want := []time.Duration{0, 100, 300, 700, 1500, 2500}
		for i := range want {
			want[i] *= time.Millisecond
		}
		if !slices.Equal(p.at, want) {
			t.Errorf("called at %v, want %v", p.at, want)
		}
		if len(l.known) != 0 {
			t.Errorf("the loop still remembers %d keys", len(l.known))
		}
	})
}

func TestAHintComesBeforeARequestedVisit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &probe{answer: func(call int) (Result, error) {
			if call == 1 {
				return Result{After: time.Minute}, nil
			}
			return Result{}, nil
		}}
		l, end := run(t, p)
		l.Mark("a")
		time.Sleep(time.Second)
		l.Mark("a")
		time.Sleep(10 * time.Minute)
		end()
		if want := []time.Duration{0, time.Second}; !slices.Equal(p.at, want) {
			t.Errorf("called at %v, want %v", p.at, want)
		}
	})
}

func TestResyncVisitsEveryKeyAndStopWaitsForTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &probe{took: time.Second}
		_, end := run(t, p, "a")
		time.Sleep(time.Hour + 500*time.Millisecond)
		end()
		if want := []time.Duration{0, time.Hour}; !slices.Equal(p.at, want) {
			t.Errorf("called at %v, want %v", p.at, want)
		}
		if p.busy["a"] {
			t.Error("Run returned with a call in flight")
		}
	})
}

// TestAHintBeforeTheSettingsIsKept is for the race detector as well: a process starts its
// loops beside those that hint at them.
func TestAHintBeforeTheSettingsIsKept(t *testing.T) {
	t.Parallel()
	l, visited := new(Loop), make(chan string, 1)
	l.Mark("early")
	var hints sync.WaitGroup
	hints.Go(func() { l.Mark("early") })
	l.Settings = Settings{Name: "test", Reconciler: Func(func(_ context.Context, key string) (Result, error) {
		select {
		case visited <- key:
		default:
		}
		return Result{}, nil
	})}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	if key := <-visited; key != "early" {
		t.Errorf("visited %q", key)
	}
	hints.Wait()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestAPanicIsAFailureOfItsKeyAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &probe{answer: func(call int) (Result, error) {
			if call == 1 {
				panic("broken")
			}
			return Result{}, nil
		}}
		l, end := run(t, p)
		l.Mark("a")
		time.Sleep(time.Minute)
		end()
		if len(p.at) != 2 {
			t.Errorf("%d calls, want a retry after the panic", len(p.at))
		}
	})
}
