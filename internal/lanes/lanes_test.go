package lanes

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

func TestWorkThatHangsHoldsUpItsOwnKeyAndItsGroupsShare(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l *Lanes
		var freed atomic.Int32
		l = New(4, 2, func() { // after the key is free
			if freed.Add(1); l.Busy("b1") {
				t.Error("called too early")
			}
		})
		ctx := t.Context()
		hang, done := make(chan struct{}), map[string]bool{}
		start := func(key, group string, work func()) bool {
			return l.Go(key, func() { _ = l.Place(ctx, group, func() error { work(); return nil }) })
		}
		for _, key := range []string{"a1", "a2", "a3"} {
			if !start(key, "a", func() { <-hang }) {
				t.Errorf("%s did not start", key)
			}
		}
		if start("a1", "a", func() {}) || !l.Busy("a1") {
			t.Error("a key has two at once")
		}
		synctest.Wait()
		start("b1", "b", func() { done["b1"] = true })
		start("a4", "a", func() { done["a4"] = true })
		synctest.Wait()
		if !done["b1"] || done["a4"] || l.Busy("b1") {
			t.Errorf("beside two that hang: %v", done)
		}
		close(hang)
		l.Wait()
		if freed.Load() != 5 || !done["a4"] || len(l.groups) > 0 || len(l.busy) > 0 {
			t.Errorf("in the end: %v, left %v %v", done, l.groups, l.busy)
		}
	})
}

func TestWhoWaitsForAPlaceEndsWithTheContext(t *testing.T) {
	t.Parallel()
	l := New(1, 1, nil)
	ctx, cancel := context.WithCancel(t.Context())
	err := l.Place(ctx, "a", func() error {
		cancel()
		return errors.Join(l.Place(ctx, "a", func() error { return errors.New("it has a place") }), l.Place(ctx, "b", func() error { return errors.New("it has a place") }))
	})
	if !errors.Is(err, context.Canceled) || err.Error() != "context canceled\ncontext canceled" {
		t.Errorf("got %v", err)
	}
}
