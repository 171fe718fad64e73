package logplex

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/kigo-dev/kigo"
)

const kept = 1500 // of an app that nobody has asked for more of

const app = kigo.AppID("01234567-89ab-cdef-0123-456789abcdef")

func line(process, message string) kigo.LogLine {
	return kigo.LogLine{Time: time.Unix(1, 0).UTC(), Source: "app", Process: process, Message: message}
}

// start runs a hub until the test ends or stop is called.
func start(t testing.TB, dir string) (h *Hub, stop func()) {
	t.Helper()
	h = &Hub{Dir: dir}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(stop)
	return h, stop
}

func messages(t testing.TB, h *Hub, f Filter) (got []string, ids []uint64) {
	t.Helper()
	err := h.Tail(context.Background(), app, f, func(id uint64, l kigo.LogLine) error {
		got, ids = append(got, l.Message), append(ids, id)
		return nil
	})
	if err != nil {
		t.Fatalf("Tail: %v", err)
	}
	return got, ids
}

func TestTheLastLinesAreKept(t *testing.T) {
	h, _ := start(t, t.TempDir())
	for i := range 4000 {
		h.Write(app, line("web.1", fmt.Sprint(i)))
	}
	got, ids := messages(t, h, Filter{Lines: 5000})
	if len(got) != kept || got[0] != "2500" || got[kept-1] != "3999" {
		t.Fatalf("kept %d lines, %s to %s", len(got), got[0], got[len(got)-1])
	}
	for i := 1; i < len(ids); i++ {
		if ids[i] != ids[i-1]+1 {
			t.Fatalf("ids do not grow by one: %d, %d", ids[i-1], ids[i])
		}
	}
}

func TestFiltersChooseLines(t *testing.T) {
	h, _ := start(t, "")
	h.Write(app, line("web.1", "a"), line("web.2", "b"), line("webby.1", "c"),
		kigo.LogLine{Source: "heroku", Process: "router", Message: "d"}, line("web.1", "e"))
	for _, c := range []struct {
		f    Filter
		want []string
	}{
		{Filter{Lines: 100}, []string{"a", "b", "c", "d", "e"}},
		{Filter{Lines: 2}, []string{"d", "e"}},
		{Filter{Lines: 100, Process: "web"}, []string{"a", "b", "e"}},
		{Filter{Lines: 100, Process: "web.1"}, []string{"a", "e"}},
		{Filter{Lines: 1, Process: "web.2"}, []string{"b"}},
		{Filter{Lines: 100, Source: "heroku"}, []string{"d"}},
		{Filter{Lines: 100, Source: "heroku", Process: "web"}, nil},
		{Filter{}, nil},
		{Filter{After: 3}, []string{"d", "e"}},
	} {
		if got, _ := messages(t, h, c.f); !cmp.Equal(got, c.want) {
			t.Errorf("%+v: %v, want %v", c.f, got, c.want)
		}
	}
}

func TestLinesIdsAndPositionsOutliveARestart(t *testing.T) {
	dir := t.TempDir()
	h, stop := start(t, dir)
	for i := range 2000 {
		h.WriteFrom(app, "dyno-1", uint64(i+1), line("web.1", fmt.Sprint(i)))
	}
	_, before := messages(t, h, Filter{Lines: 1})
	stop()

	h, stop = start(t, dir)
	got, ids := messages(t, h, Filter{Lines: 5000})
	if len(got) != kept || got[kept-1] != "1999" || ids[kept-1] != before[0] {
		t.Fatalf("after the restart: %d lines, last %s with id %d, was %d", len(got), got[len(got)-1], ids[len(ids)-1], before[0])
	}
	if p := h.Position(app, "dyno-1"); p != 2000 {
		t.Fatalf("position %d, want 2000", p)
	}
	h.Write(app, line("web.1", "new"))
	got, ids = messages(t, h, Filter{After: before[0]})
	if !cmp.Equal(got, []string{"new"}) || ids[0] <= before[0] {
		t.Fatalf("resumed after %d: %v with ids %v", before[0], got, ids)
	}
	stop()
	h, _ = start(t, dir)
	if got, _ := messages(t, h, Filter{Lines: 2}); !cmp.Equal(got, []string{"1999", "new"}) {
		t.Fatalf("after the second restart: %v", got)
	}
}

func TestATornLastLineIsDropped(t *testing.T) {
	dir := t.TempDir()
	h, stop := start(t, dir)
	h.Write(app, line("web.1", "whole"), line("web.1", "torn"))
	stop()
	path := filepath.Join(dir, string(app), "lines")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data = data[:len(data)-len(appendEnd(nil))] // only what a power cut leaves of the first write
	for cut := 1; cut < 20; cut += 6 {
		if err := os.WriteFile(path, data[:len(data)-cut], 0o600); err != nil {
			t.Fatal(err)
		}
		h, stop = start(t, dir)
		if got, _ := messages(t, h, Filter{Lines: 10}); !cmp.Equal(got, []string{"whole"}) {
			t.Fatalf("%d bytes short: %v", cut, got)
		}
		h.Write(app, line("web.1", "next"))
		stop()
		h, stop = start(t, dir)
		if got, _ := messages(t, h, Filter{Lines: 10}); !cmp.Equal(got, []string{"whole", "next"}) {
			t.Fatalf("%d bytes short, then one more line: %v", cut, got)
		}
		stop()
	}
}

// A kill may cut a write anywhere. Its lines must not count without the position
// that says not to send them again.
func TestLinesOfATornWriteAreAsIfNeverWritten(t *testing.T) {
	dir := t.TempDir()
	h, stop := start(t, dir)
	path := filepath.Join(dir, string(app), "lines")
	h.WriteFrom(app, "dyno-1", 1, line("web.1", "one"))
	var first int64
	for deadline := time.Now().Add(10 * time.Second); first == 0; {
		if info, err := os.Stat(path); err == nil {
			first = info.Size()
		}
		if time.Now().After(deadline) {
			t.Fatal("the first line was never saved")
		}
	}
	h.WriteFrom(app, "dyno-1", 3, line("web.1", "two"), line("web.1", "three"))
	stop()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for size := first; size < int64(len(data)); size += 7 {
		if err := os.WriteFile(path, data[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		h, stop = start(t, dir)
		got, _ := messages(t, h, Filter{Lines: 10})
		if p := h.Position(app, "dyno-1"); !cmp.Equal(got, []string{"one"}) || p != 1 {
			t.Errorf("%d of %d bytes: %v at position %d", size, len(data), got, p)
		}
		stop()
	}
}

func TestAFollowerGetsEveryLineInOrder(t *testing.T) {
	h, _ := start(t, t.TempDir())
	const writers, each = 4, 20000
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	next := map[string]int{}
	total, began := 0, make(chan struct{})
	room := make(chan struct{}, followLines/2) // how far the writers may be ahead
	done := make(chan error, 1)
	h.Write(app, line("web.9", "0"))
	go func() {
		done <- h.Tail(ctx, app, Filter{Follow: true, Lines: 1}, func(_ uint64, l kigo.LogLine) error {
			if want := fmt.Sprint(next[l.Process]); l.Message != want {
				return fmt.Errorf("%s: line %s, want %s", l.Process, l.Message, want)
			}
			next[l.Process]++
			if total++; total == 1 {
				close(began)
				return nil
			}
			<-room
			if total == writers*each+1 {
				return errEnough
			}
			return nil
		})
	}()
	<-began
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				select {
				case room <- struct{}{}:
				case <-ctx.Done():
					return
				}
				h.Write(app, line(fmt.Sprintf("web.%d", w+1), fmt.Sprint(i)))
			}
		})
	}
	wg.Wait()
	if err := <-done; err != errEnough {
		t.Fatalf("after %d lines: %v", total, err)
	}
}

var errEnough = errors.New("enough")

func TestASlowReaderIsToldHowManyLinesItLost(t *testing.T) {
	h, _ := start(t, "")
	const total = followLines + 5000
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	first, release := make(chan struct{}), make(chan struct{})
	seen, lost := 0, 0
	done := make(chan error, 1)
	go func() {
		done <- h.Tail(ctx, app, Filter{Process: "web", Lines: 1, Follow: true}, func(id uint64, l kigo.LogLine) error {
			if l.Source == "logplex" {
				if _, err := fmt.Sscanf(l.Message, "Error L11 (Tail buffer overflow) -> This tail session dropped %d messages since", &lost); err != nil {
					return fmt.Errorf("%q: %w", l.String(), err)
				}
			} else if seen++; seen == 1 {
				close(first)
				<-release
			}
			if seen+lost == total+1 {
				return errEnough
			}
			return nil
		})
	}()
	h.Write(app, line("web.1", "first"))
	select {
	case <-first:
	case <-time.After(10 * time.Second):
		t.Fatal("the first line did not arrive")
	}
	for i := range total {
		h.Write(app, line("web.1", fmt.Sprint(i)), line("worker.1", "not wanted"))
	}
	close(release)
	if err := <-done; err != errEnough {
		t.Fatalf("seen %d, lost %d: %v", seen, lost, err)
	}
	if lost == 0 {
		t.Fatal("nothing was lost: the test proves nothing")
	}
}

func TestDropEndsReadersAndForgets(t *testing.T) {
	dir := t.TempDir()
	h, _ := start(t, dir)
	h.Write(app, line("web.1", "a"))
	ended := make(chan error, 1)
	began := make(chan struct{})
	go func() {
		ended <- h.Tail(context.Background(), app, Filter{Lines: 1, Follow: true}, func(uint64, kigo.LogLine) error { close(began); return nil })
	}()
	<-began
	if err := h.Drop(app); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatalf("Tail ended with %v", err)
	}
	h.Write(app, line("web.1", "late"))
	if got, _ := messages(t, h, Filter{Lines: 10}); got != nil {
		t.Fatalf("a dropped app has lines: %v", got)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Fatalf("left on disk: %v", left)
	}
}

func TestMessagesAreCutAndCleaned(t *testing.T) {
	long := strings.Repeat("é", 12_000) // 24,000 bytes
	for name, c := range map[string]struct {
		in   string
		want []string
	}{
		"empty":             {"", []string{""}},
		"line end":          {"a\n", []string{"a"}},
		"two lines":         {"a\n\nb", []string{"a", "", "b"}},
		"carriage returns":  {"a\rb\r\n", []string{"ab"}},
		"NUL":               {"a\x00b", []string{"a\uFFFDb"}},
		"not UTF-8":         {"a\xff\xfeb", []string{"a\uFFFD\uFFFDb"}},
		"colours and tabs":  {"\x1b[31m\tred\x1b[0m", []string{"\x1b[31m\tred\x1b[0m"}},
		"long":              {strings.Repeat("x", 10_001), []string{strings.Repeat("x", 10_000), "x"}},
		"long, two-byte":    {"x" + long, []string{"x" + long[:9998], long[9998:19998], long[19998:]}},
		"a replacement cut": {strings.Repeat("\xff", 5000), []string{strings.Repeat("\uFFFD", 3333), strings.Repeat("\uFFFD", 1667)}},
	} {
		t.Run(name, func(t *testing.T) {
			h, _ := start(t, "")
			h.Write(app, line("web.1", c.in))
			if got, _ := messages(t, h, Filter{Lines: 100}); !cmp.Equal(got, c.want) {
				t.Errorf("%q", cmp.Diff(got, c.want))
			}
		})
	}
}
