package logplex

import (
	"context"
	"testing"

	"github.com/kigo-dev/kigo"
)

// batch is what a shim's 64 KiB read holds: 640 lines of 100 bytes.
func batch() []kigo.LogLine {
	message := "2026-11-22 request id=0123456789abcdef method=GET path=/some/where status=200 duration=12ms bytes=512"
	lines := make([]kigo.LogLine, 640)
	for i := range lines {
		lines[i] = line("web.1", message[:100])
	}
	return lines
}

func benchmarkWrite(b *testing.B, readers int) {
	h, _ := start(b, b.TempDir())
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	for range readers {
		go h.Tail(ctx, app, Filter{Follow: true}, func(uint64, kigo.LogLine) error { return nil })
	}
	lines := batch()
	b.ReportAllocs()
	for b.Loop() {
		h.Write(app, lines...)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(lines)), "ns/line")
}

func BenchmarkWriteABatch(b *testing.B)            { benchmarkWrite(b, 0) }
func BenchmarkWriteABatchWith3Tails(b *testing.B)  { benchmarkWrite(b, 3) }
func BenchmarkWriteABatchWith10Tails(b *testing.B) { benchmarkWrite(b, 10) }

func BenchmarkWriteOneLine(b *testing.B) {
	h, _ := start(b, b.TempDir())
	lines := batch()[:1]
	b.ReportAllocs()
	for b.Loop() {
		h.Write(app, lines...)
	}
}
