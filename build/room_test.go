package build

import (
	"context"
	"errors"
	"testing"
)

func TestBuildsThatBeginTogetherArePromisedAllTheirMemory(t *testing.T) {
	const gb = 1 << 30
	l := &Loop{Config: Config{Slots: 3, Memory: 2 * gb}}
	for _, c := range []struct {
		available int64
		running   int
		want      string
	}{
		{1 * gb, 0, ""},
		{100 << 20, 0, "memory"},
		{4 * gb, 1, "memory"}, // the first has taken nothing of its 2 GB yet
		{5 * gb, 1, ""},
		{5 * gb, 2, "memory"},
		{7 * gb, 2, ""},
		{0, 2, ""},
		{99 * gb, 3, "other builds to end"},
	} {
		l.Available = func() int64 { return c.available }
		if got := l.room(c.running); got != c.want {
			t.Errorf("%d MB available, %d builds: waits for %q, want %q", c.available>>20, c.running, got, c.want)
		}
	}
}

func TestALookIntoASourceTakesASlot(t *testing.T) {
	l := &Loop{Config: Config{Slots: 1, Available: func() int64 { return 0 }}}
	if err := l.slot(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.alone(func() { t.Error("nothing else should believe itself alone") })
	if what := l.begin(); what == "" {
		t.Error("a build began beside it")
	}
	gone, cancel := context.WithCancelCause(t.Context())
	cancel(errNoRoom)
	if err := l.slot(gone); !errors.Is(err, errNoRoom) {
		t.Errorf("without a slot: %v", err)
	}
	l.ended()
	if what := l.begin(); what != "" {
		t.Errorf("afterwards a build waits for %s", what)
	}
}
