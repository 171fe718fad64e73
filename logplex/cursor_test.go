package logplex

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/kigo-dev/kigo"
)

func numbered(from, n int) []kigo.LogLine {
	lines := make([]kigo.LogLine, n)
	for i := range lines {
		lines[i] = kigo.LogLine{Source: "app", Process: "web.1", Message: fmt.Sprint(from + i)}
	}
	return lines
}

func TestLinesKeepTheirNumbersOverRestarts(t *testing.T) {
	dir := t.TempDir()
	total := 0
	for round := range 4 {
		h := &Hub{Dir: filepath.Join(dir, "logs")}
		c := h.Cursor("app", uint64(total))
		if end := h.End("app"); end != uint64(total) {
			t.Fatalf("round %d: the next line has number %d, want %d", round, end, total)
		}
		n := []int{10, 0, 4000, 300}[round]
		h.Write("app", numbered(total, n)...)
		if got, missed := c.Next(nil, 10, 1<<30, 0); len(got) > 0 || missed.N > 0 {
			t.Errorf("round %d: %d lines and %v before they are on disk", round, len(got), missed)
		}
		h.saveAll()
		h.closeFiles() // and then the process is killed: nothing else happens
		total += n
		got, missed := c.Next(nil, 1<<20, 1<<30, 0)
		if len(got)+missed.N != n || len(got) > 0 && got[len(got)-1].Message != fmt.Sprint(total-1) {
			t.Errorf("round %d: %d lines and %d missed of %d", round, len(got), missed.N, n)
		}
	}
}

func TestADrainThatHoldsMissesNothingAndOneThatDoesNotIsCounted(t *testing.T) {
	h := &Hub{}
	holds, loose := h.Cursor("app", 0), h.Cursor("app", 0)
	holds.Hold(true)
	for i := range 5 {
		h.Write("app", numbered(1000*i, 1000)...)
	}
	h.saveAll()
	if got, missed := holds.Next(nil, 1<<20, 1<<30, 0); len(got) != 5000 || missed.N != 0 {
		t.Errorf("holding: %d lines, %d missed", len(got), missed.N)
	}
	h.Write("app", numbered(5000, 1)...) // now nobody holds the old ones
	h.saveAll()
	got, missed := loose.Next(nil, 1<<20, 1<<30, 1024)
	if len(got) != 1024 || missed.N != 5001-1024 || got[0].Message != fmt.Sprint(5001-1024) || missed.Since.IsZero() {
		t.Errorf("loose: %d lines, %+v missed", len(got), missed)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_ = h.Run(ctx)
	if err := h.Drop("app"); err != nil {
		t.Fatal(err)
	}
	<-loose.Ended()
	if h.Cursor("app", 0) != nil {
		t.Error("a dropped app has a cursor")
	}
}
