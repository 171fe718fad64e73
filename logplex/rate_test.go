package logplex

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
)

// tally reads what an app's log holds: lines of the app, and lines told as dropped.
func tally(t *testing.T, h *Hub, app kigo.AppID) (lines, dropped int) {
	t.Helper()
	err := h.Tail(t.Context(), app, Filter{Lines: kept}, func(_ uint64, l kigo.LogLine) error {
		if l.Process != kigo.LogShuttle {
			lines++
			return nil
		}
		n := 0
		_, err := fmt.Sscanf(l.Message, "Error L12: %d messages dropped since", &n)
		dropped += n
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines, dropped
}

func TestAFloodIsShedCountedAndCostsNobodyElse(t *testing.T) {
	h := &Hub{Rate: 50_000}
	text := strings.Repeat("x", 936) // 1,000 bytes with its cost
	for range 1000 {
		h.Write("loud", kigo.LogLine{Source: "app", Process: "web.1", Message: text})
		h.Write("quiet", kigo.LogLine{Source: "app", Process: "web.1", Message: "."})
	}
	h.Write("loud", kigo.LogLine{Source: "heroku", Process: "web.1", Message: "State changed from up to down"})
	h.Write("loud", kigo.LostLine(5000, time.Now())) // what was lost on the way here counts in the middle of a flood, too
	const all = 1001 + 5000
	var lines, dropped int
	within(t, func() error {
		if lines, dropped = tally(t, h, "loud"); lines+dropped < all {
			return fmt.Errorf("%d lines and %d told as dropped of %d", lines, dropped, all)
		}
		return nil
	})
	if lines+dropped != all || dropped <= 5000 || lines < 100 {
		t.Errorf("%d lines and %d told as dropped of %d", lines, dropped, all)
	}
	if lines, dropped := tally(t, h, "quiet"); lines != 1000 || dropped != 0 {
		t.Errorf("the quiet app has %d lines, %d dropped", lines, dropped)
	}
}

func TestTheCountOfShedLinesOutlivesTheProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs")
	h := &Hub{Dir: dir, Rate: 1000}
	for i := range 100 {
		h.WriteFrom("app", "run", uint64(i+1), kigo.LogLine{Source: "app", Process: "web.1", Message: strings.Repeat("x", 36)})
	}
	h.saveAll() // and then it is killed, before it has told anybody
	again := &Hub{Dir: dir, Rate: 1000}
	if p := again.Position("app", "run"); p != 100 {
		t.Errorf("position %d", p)
	}
	var lines, dropped int
	within(t, func() error {
		if lines, dropped = tally(t, again, "app"); lines+dropped < 100 {
			return fmt.Errorf("%d lines and %d told as dropped of 100", lines, dropped)
		}
		return nil
	})
	if lines+dropped != 100 || lines < 20 || dropped == 0 {
		t.Errorf("%d lines and %d told as dropped of 100", lines, dropped)
	}
}
