package shim

import (
	"testing"
	"time"
)

func TestLinesDroppedAtTheVeryEndAreTold(t *testing.T) {
	dir := t.TempDir()
	w := newLogWriter(dir, func() {})
	at := time.Now()
	w.line([]byte("first"), at)
	w.mu.Lock()
	w.rate.spent = outputBurst // the dyno has used up what it may write
	w.mu.Unlock()
	for range 4 {
		w.line([]byte("dropped"), at)
	}
	w.line([]byte("last words"), at)
	w.end()
	r := NewLogReader(dir, 0)
	defer r.Close()
	var got []Line
	if err := r.ReadNew(func(l Line) { got = append(got, l) }); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[1].Text != "last words" || got[1].Seq != 6 || got[1].Dropped != 4 {
		t.Errorf("read %+v", got)
	}
}
