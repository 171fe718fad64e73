package logplex

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/kigo-dev/kigo"
)

// serveHub runs a hub's socket until stop is called.
func serveHub(t testing.TB, path string, h *Hub) (stop func()) {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, l, h) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// runClient runs a client until stop is called, which waits for its last lines.
func runClient(t testing.TB, path string) (c *Client, stop func()) {
	t.Helper()
	c = &Client{Path: path}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(stop)
	return c, stop
}

func TestAClientsLinesReachTheHub(t *testing.T) {
	path := t.TempDir() + "/s"
	h, _ := start(t, "")
	serveHub(t, path, h)
	c, stop := runClient(t, path)
	at := time.Unix(7, 1000).UTC()
	c.Write(app, line("web.1", "one"), line("web.1", "two"))
	c.WriteLine(app, at, []byte("at=info"))
	c.Write("other", line("web.1", "not mine"))
	c.Write(app, line("web.1", strings.Repeat("x", 100_000)))
	stop()
	got, _ := messages(t, h, Filter{Lines: 10})
	want := []string{"one", "two", "at=info", strings.Repeat("x", 10_000)}
	if len(got) != 7 || !cmp.Equal(got[:4], want) {
		t.Errorf("%d lines: %.60q", len(got), got)
	}
	_ = h.Tail(t.Context(), app, Filter{Lines: 10, Process: "router"}, func(_ uint64, l kigo.LogLine) error {
		if want := (kigo.LogLine{Time: at, Source: "heroku", Process: "router", Message: "at=info"}); l != want {
			t.Errorf("%+v", l)
		}
		return nil
	})
}

func TestNoLineIsLostWhenTheHubRestarts(t *testing.T) {
	path := t.TempDir() + "/s"
	h, _ := start(t, "")
	seen := map[string]int{}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	const total = 3000
	began, done := make(chan struct{}), make(chan error, 1)
	h.Write(app, line("web.1", "begin"))
	go func() {
		done <- h.Tail(ctx, app, Filter{Lines: 1, Follow: true}, func(_ uint64, l kigo.LogLine) error {
			if l.Message == "begin" {
				close(began)
				return nil
			}
			if seen[l.Message]++; len(seen) == total {
				return errEnough
			}
			return nil
		})
	}()
	<-began
	c, _ := runClient(t, path)
	n := 0
	for range 3 {
		stop := serveHub(t, path, h)
		for range total / 3 {
			c.Write(app, line("web.1", fmt.Sprint(n)))
			n++
		}
		stop()
	}
	serveHub(t, path, h)
	if err := <-done; err != errEnough {
		t.Fatalf("%d of %d lines: %v", len(seen), total, err)
	}
}

func TestALineThatDoesNotFitIsCountedAndReported(t *testing.T) {
	path := t.TempDir() + "/s"
	c, stop := runClient(t, path)
	const total = 2000
	for range total {
		c.Write(app, line("web.1", strings.Repeat("x", 8000)))
	}
	h, _ := start(t, "")
	kept, lost := 0, 0
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	h.Write(app, line("web.1", "begin"))
	began, done := make(chan struct{}), make(chan error, 1)
	go func() {
		done <- h.Tail(ctx, app, Filter{Lines: 1, Follow: true}, func(_ uint64, l kigo.LogLine) error {
			switch {
			case l.Message == "begin":
				close(began)
			case l.Process == kigo.LogShuttle:
				if _, err := fmt.Sscanf(l.Message, "Error L12: %d messages dropped since", &lost); err != nil {
					return fmt.Errorf("%q: %w", l.Message, err)
				}
			case l.Source == "logplex":
				return fmt.Errorf("the tail was too slow: %s", l.Message)
			default:
				kept++
			}
			if kept+lost == total {
				return errEnough
			}
			return nil
		})
	}()
	<-began
	serveHub(t, path, h)
	if err := <-done; err != errEnough || lost == 0 {
		t.Fatalf("%d kept, %d reported lost, of %d: %v", kept, lost, total, err)
	}
	stop()
}

func FuzzFrames(f *testing.F) {
	good := appendOrigin(appendLine(nil, 7, &kigo.LogLine{Time: time.Unix(1, 2), Source: "app", Process: "web.1", Message: "x"}), "dyno", 9)
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add(appendLost(nil, app, 3, time.Unix(1, 0)))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := &stream{nextID: 1}
		s.restore(data)
		for i := 1; i < s.n; i++ {
			if s.at(i).id <= s.at(i-1).id {
				t.Fatal("ids do not grow")
			}
		}
		in := intake{hub: &Hub{}, shared: names{}}
		if used, err := in.frames(data); used > len(data) || err == nil && used < len(data) && len(data)-used > maxFrame+frameHead {
			t.Fatalf("used %d of %d: %v", used, len(data), err)
		}
	})
}

func FuzzSplit(f *testing.F) {
	f.Add("a\r\nb\x00\xff")
	f.Add(strings.Repeat("é", 6000))
	f.Fuzz(func(t *testing.T, message string) {
		if len(message) < 100 && len(message) > 0 {
			message = strings.Repeat(message, 500)
		}
		var out bytes.Buffer
		split(message, func(part string) {
			if len(part) > kigo.MaxLogLine || strings.ContainsAny(part, "\r\n\x00") || strings.ToValidUTF8(part, "") != part {
				t.Fatalf("bad part %q", part)
			}
			out.WriteString(part)
		})
		want := strings.NewReplacer("\r", "", "\n", "", "\x00", "\uFFFD").Replace(message)
		if out.String() != string([]rune(want)) {
			t.Fatalf("text was lost: %q, want %q", out.String(), want)
		}
	})
}

func BenchmarkClientToHub(b *testing.B) {
	path := b.TempDir() + "/s"
	h, _ := start(b, "")
	serveHub(b, path, h)
	c, _ := runClient(b, path)
	text := []byte(batch()[0].Message)
	at := time.Unix(1, 0)
	for b.Loop() {
		c.WriteLine(app, at, text)
	}
}
