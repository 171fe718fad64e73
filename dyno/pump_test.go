package dyno

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/logplex"
)

// ring is an engine whose launches have written lines, as many at once as a read
// of a shim's ring brings.
type ring struct {
	scripted
	lines, at int
	text      string
}

func (e *ring) Logs(_ context.Context, _ kigo.DynoID, after uint64, f func(Line)) error {
	now, text := time.Now(), e.text
	for i := int(after) + 1; i <= e.lines; i++ {
		f(Line{Seq: uint64(i), Time: now, Text: text, More: i%e.at != 0 && i < e.lines})
	}
	return nil
}

// written is a stream that remembers what came in which step.
type written struct {
	Logs
	position uint64
	steps    [][]string
}

func (w *written) Position(kigo.AppID, string) uint64 { return w.position }

func (w *written) WriteFrom(_ kigo.AppID, _ string, seq uint64, lines ...kigo.LogLine) {
	step := []string{strconv.FormatUint(seq, 10)}
	for _, l := range lines {
		step = append(step, l.Process+" "+l.Message)
	}
	w.position, w.steps = seq, append(w.steps, step)
}

// spoken is an engine whose launch wrote just these lines.
type spoken struct {
	scripted
	lines []Line
}

func (e *spoken) Logs(_ context.Context, _ kigo.DynoID, after uint64, f func(Line)) error {
	for _, l := range e.lines {
		if l.Seq > after {
			f(l)
		}
	}
	return nil
}

func TestLinesThatAreThereEnterTheStreamTogetherWithTheNumberOfTheLast(t *testing.T) {
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	engine := &spoken{lines: []Line{
		{Seq: 1, Time: at, Text: "one", More: true},
		{Seq: 2, Time: at, Text: "two"},
		{Seq: 3, Time: at, Text: "alone"},
		{Seq: 6, Time: at, Text: "late", Dropped: 2, More: true},
		{Seq: 7, Time: at, Text: "last"},
	}}
	stream := &written{}
	a := &Agent{Engine: engine, Logs: stream, Log: slog.New(slog.DiscardHandler)}
	web := kigo.Dyno{App: "app", Type: "web", Number: 1}
	a.carry(t.Context(), web, "launch")
	want := [][]string{
		{"2", "web.1 one", "web.1 two"},
		{"3", "web.1 alone"},
		{"7", "log-shuttle Error L12: 2 messages dropped since " + at.Format(kigo.LogTime) + ".", "web.1 late", "web.1 last"},
	}
	if diff := cmp.Diff(want, stream.steps); diff != "" {
		t.Error(diff)
	}
	stream.position, stream.steps = 6, nil // killed in the middle: nothing twice, nothing missing
	a.carry(t.Context(), web, "launch")
	if diff := cmp.Diff([][]string{{"7", "web.1 last"}}, stream.steps); diff != "" {
		t.Error(diff)
	}
}

func TestAStepIntoTheStreamIsBounded(t *testing.T) {
	stream := &written{}
	a := &Agent{Engine: &ring{lines: 3 * batchLines, at: 4 * batchLines, text: "x"}, Logs: stream, Log: slog.New(slog.DiscardHandler)}
	a.carry(t.Context(), kigo.Dyno{App: "app", Type: "web", Number: 1}, "launch")
	var sizes []int
	for _, step := range stream.steps {
		sizes = append(sizes, len(step)-1)
	}
	if diff := cmp.Diff([]int{batchLines, batchLines, batchLines}, sizes); diff != "" {
		t.Error(diff)
	}
}

func TestThoseWhoWaitForAScriptHearEachLineAfterTheStreamHasIt(t *testing.T) {
	stream := &written{}
	var heard []string
	a := &Agent{Engine: &ring{lines: 3, at: 3, text: "x"}, Logs: stream, Log: slog.New(slog.DiscardHandler)}
	a.Output = func(_ kigo.Dyno, l kigo.OutputLine) {
		heard = append(heard, strconv.FormatUint(l.Seq, 10)+" of "+strconv.FormatUint(stream.position, 10))
	}
	a.carry(t.Context(), kigo.Dyno{App: "app", Type: releaseType, Number: 1, OneOff: true}, "launch")
	if diff := cmp.Diff([]string{"1 of 1", "2 of 2", "3 of 3"}, heard); diff != "" {
		t.Error(diff)
	}
}

// BenchmarkPump is what a line costs from a shim's ring into the app's stream.
func BenchmarkPump(b *testing.B) {
	for _, at := range []int{1, 10, 500} {
		b.Run(strconv.Itoa(at)+" at once", func(b *testing.B) {
			hub := &logplex.Hub{Dir: b.TempDir()}
			ctx, cancel := context.WithCancel(b.Context())
			saved := make(chan error, 1)
			go func() { saved <- hub.Run(ctx) }()
			defer func() { cancel(); <-saved }()
			go hub.Tail(ctx, "app", logplex.Filter{Follow: true}, func(uint64, kigo.LogLine) error { return nil })
			a := &Agent{Engine: &ring{lines: b.N, at: at, text: strings.Repeat("x", 100)}, Logs: hub, Log: slog.New(slog.DiscardHandler)}
			b.ReportAllocs()
			b.ResetTimer()
			a.carry(ctx, kigo.Dyno{App: "app", Type: "web", Number: 1}, "launch")
		})
	}
}
