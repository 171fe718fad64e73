package logplex

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
)

// within waits for a condition; a generous deadline ends it.
func within(t testing.TB, f func() error) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; <-time.After(5 * time.Millisecond) {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// saved waits until all lines are on disk.
func saved(t testing.TB, h *Hub) {
	t.Helper()
	within(t, func() error {
		if n := h.Unsaved(app); n > 0 {
			return fmt.Errorf("%d lines are not saved", n)
		}
		return nil
	})
}

func TestLinesKeepTheirOrderWhenTheClockIsSetBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h, stop := start(t, dir)
	h.Rate = 1 << 20
	now := time.Now()
	var want []string
	for i, at := range []time.Duration{0, time.Hour, 24 * time.Hour, -time.Hour, 0, -365 * 24 * time.Hour, time.Minute} {
		text := fmt.Sprint(i)
		want = append(want, text)
		h.Write(app, kigo.LogLine{Time: now.Add(at), Source: "app", Process: "web.1", Message: text})
	}
	s := h.lock(app)
	s.meter.at, s.meter.left = now.Add(24*time.Hour), 0 // the rate was last measured by the wrong clock
	s.mu.Unlock()
	h.Write(app, kigo.LogLine{Source: "heroku", Process: "api", Message: "7"})
	within(t, func() error { // and lines pass again as time goes on
		h.Write(app, kigo.LogLine{Source: "app", Process: "web.1", Message: "8"})
		if got, _ := messages(t, h, Filter{Lines: 1, Process: "web.1"}); !slices.Equal(got, []string{"8"}) {
			return fmt.Errorf("the last line is %q", got)
		}
		return nil
	})
	want = append(want, "7", "8")
	for range 2 {
		got, ids := messages(t, h, Filter{Lines: 100, Source: ""})
		got = slices.DeleteFunc(got, func(s string) bool { return len(s) > 1 })
		if got = slices.Compact(got); !slices.Equal(got, want) || !slices.IsSorted(ids) {
			t.Errorf("lines %q with ids %v", got, ids)
		}
		if after, _ := messages(t, h, Filter{After: ids[2]}); len(after) < 6 || after[0] != "3" {
			t.Errorf("after the third line come %q", after)
		}
		stop()
		h, stop = start(t, dir) // and from disk
	}
}

func TestADiskThatTakesNoLinesStopsNoReaderAndIsForgiven(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	block := filepath.Join(dir, string(app), "lines.new") // a folder where a file should be: every write fails
	if err := os.MkdirAll(filepath.Join(block, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	h, stop := start(t, dir)
	c := h.Cursor(app, 0)
	defer c.Close()
	for i := range 100 {
		h.Write(app, line("web.1", fmt.Sprint(i)))
	}
	within(t, func() error { // what feeds a drain
		if n := c.Waiting(); n != 100 {
			return fmt.Errorf("%d lines wait for a drain", n)
		}
		return nil
	})
	if got, _ := messages(t, h, Filter{Lines: 1000}); len(got) != 100 || got[99] != "99" {
		t.Errorf("%d lines are read", len(got))
	}
	if _, err := os.Stat(filepath.Join(dir, string(app), "lines")); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("the disk took something: %v", err)
	}
	if err := os.RemoveAll(block); err != nil {
		t.Fatal(err)
	}
	h.Write(app, line("web.1", "100"))
	saved(t, h)
	stop()
	h, _ = start(t, dir)
	if got, _ := messages(t, h, Filter{Lines: 1000}); len(got) != 101 || got[0] != "0" || got[100] != "100" {
		t.Errorf("after a restart %d lines are read", len(got))
	}
}
