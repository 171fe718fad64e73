package logplex

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
)

func TestAnAppKeepsAsManyLinesAsItAsksFor(t *testing.T) {
	dir := t.TempDir()
	many := kigo.LogRetention{Lines: 4000, Bytes: 32 << 20}
	h, stop := start(t, dir)
	h.Keep(app, many)
	for i := range 9000 {
		h.Write(app, line("web.1", fmt.Sprint(i)))
	}
	for range 2 { // also after a restart
		got, _ := messages(t, h, Filter{Lines: 100_000})
		if len(got) != 4000 || got[0] != "5000" || got[3999] != "8999" {
			t.Fatalf("kept %d lines, from %s", len(got), got[0])
		}
		stop()
		h = &Hub{Dir: dir}
		h.Keep(app, many)
	}
	h, stop = start(t, dir)
	h.Keep(app, kigo.LogRetention{Lines: 10, Bytes: 32 << 20})
	stop()
	h, _ = start(t, dir)
	if got, _ := messages(t, h, Filter{Lines: 5000}); len(got) != 10 || got[0] != "8990" {
		t.Errorf("after less was asked for: %d lines", len(got))
	}
}

func TestAnAppKeepsAsManyBytesAsItAsksFor(t *testing.T) {
	dir := t.TempDir()
	h, stop := start(t, dir)
	h.Keep(app, kigo.LogRetention{Lines: 1500, Bytes: 64 << 10})
	for i := range 100 {
		h.Write(app, line("web.1", fmt.Sprintf("%04d%s", i, strings.Repeat("x", 4092))))
	}
	for range 2 {
		got, _ := messages(t, h, Filter{Lines: 1500})
		if len(got) != 16 || got[0][:4] != "0084" {
			t.Fatalf("kept %d lines of 4 KiB in 64 KiB, from %.4s", len(got), got[0])
		}
		stop()
		h, stop = start(t, dir)
	}
}

func TestLinesGoWithAgeAlsoFromDiskAndIdsGoOn(t *testing.T) {
	dir := t.TempDir()
	h, stop := start(t, dir)
	old, fresh := line("web.1", "old"), line("web.1", "fresh")
	old.Time, fresh.Time = time.Now().Add(-2*time.Hour), time.Now()
	h.Write(app, old, fresh)
	h.Keep(app, kigo.LogRetention{Lines: 1500, Bytes: 1 << 20, Age: time.Hour})
	got, ids := messages(t, h, Filter{Lines: 10})
	if len(got) != 1 || got[0] != "fresh" {
		t.Fatalf("kept %q", got)
	}
	h.expire(time.Now().Add(2 * time.Hour))
	stop()
	h, stop = start(t, dir) // with no age: what is gone is gone
	if got, _ := messages(t, h, Filter{Lines: 10}); len(got) != 0 {
		t.Errorf("on disk is still %q", got)
	}
	h.Write(app, line("web.1", "next"))
	if _, next := messages(t, h, Filter{Lines: 10}); len(next) != 1 || next[0] <= ids[0] {
		t.Errorf("ids %v came after %v", next, ids)
	}
	stop()
}

func TestAReaderNeverSeesALineThatIsTooOld(t *testing.T) {
	h, _ := start(t, "")
	h.Keep(app, kigo.LogRetention{Lines: 1500, Bytes: 1 << 20, Age: time.Hour})
	old := line("web.1", "old")
	old.Time = time.Now().Add(-2 * time.Hour)
	h.Write(app, old)
	if got, _ := messages(t, h, Filter{Lines: 10}); len(got) != 0 {
		t.Errorf("seen: %q", got)
	}
}

func TestALineWithAWrongTimeNeitherHidesNorKeepsOthers(t *testing.T) {
	h, _ := start(t, "")
	h.Keep(app, kigo.LogRetention{Lines: 1500, Bytes: 1 << 20, Age: time.Hour})
	now := time.Now()
	at := func(text string, d time.Duration) kigo.LogLine {
		return kigo.LogLine{Time: now.Add(d), Source: "app", Process: "web.1", Message: text}
	}
	h.Write(app, at("of next year", 9000*time.Hour), at("too old", -2*time.Hour), at("fresh", -time.Minute), at("of last year", -9000*time.Hour), at("now", 0))
	want := []string{"fresh", "of last year", "now"}
	for range 2 {
		if got, _ := messages(t, h, Filter{Lines: 10}); !slices.Equal(got, want) {
			t.Errorf("seen: %q, want %q", got, want)
		}
		h.expire(now)
	}
	s := h.lock(app)
	defer s.mu.Unlock()
	if s.n != len(want) {
		t.Errorf("%d lines are held, want %d", s.n, len(want))
	}
}

func TestWhatCannotBeKeptIsToldWithItsBounds(t *testing.T) {
	for _, r := range []kigo.LogRetention{{}, {Lines: 100_001, Bytes: 1 << 20}, {Lines: 10, Bytes: 1}, {Lines: 10, Bytes: 1 << 20, Age: time.Second}, {Lines: 10, Bytes: 1 << 30}} {
		if e, ours := kigo.AsError(r.Check()); !ours || e.ID != kigo.IDInvalidParams {
			t.Errorf("%+v: %v", r, e)
		}
	}
	if err := kigo.DefaultRetention.Check(); err != nil {
		t.Error(err)
	}
}
