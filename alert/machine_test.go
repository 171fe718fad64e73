package alert

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kigo-dev/kigo"
)

// run feeds a value a minute to an alert and returns what it tells, by minute.
func run(t *testing.T, r kigo.AlertRule, values ...float64) (told []string, s kigo.AlertState) {
	t.Helper()
	synctest.Test(t, func(*testing.T) {
		begin := time.Now()
		for _, v := range values {
			time.Sleep(time.Minute) // the bubble's clock
			var kind string
			if s, kind = Step(r, s, Observation{At: time.Now(), Value: v, Known: v >= 0}); kind != "" {
				told = append(told, fmt.Sprint(kind, "@", int(time.Since(begin).Minutes())))
			}
		}
	})
	return told, s
}

func repeat(v float64, n int) []float64 { return slices.Repeat([]float64{v}, n) }

func TestAnAlertFiresOnceItLastsAndIsOverOnceItIsClearlyOver(t *testing.T) {
	rule := kigo.AlertRule{Metric: kigo.AlertResponseTime, Above: 500, Clear: 450, For: 5 * time.Minute}
	for name, c := range map[string]struct {
		values []float64
		want   []string
	}{
		"a peak":                  {slices.Concat(repeat(100, 3), repeat(900, 5), repeat(100, 20)), nil},
		"a longer one":            {slices.Concat(repeat(900, 10), repeat(100, 20)), []string{"fired@6", "resolved@16"}},
		"about the threshold":     {slices.Concat(repeat(600, 6), slices.Repeat([]float64{480, 520}, 30)), []string{"fired@6"}},
		"up and down":             {slices.Repeat([]float64{600, 600, 100}, 20), nil},
		"calm for moments":        {slices.Concat(repeat(600, 6), slices.Repeat([]float64{100, 100, 600}, 10)), []string{"fired@6"}},
		"at the threshold itself": {repeat(500, 30), nil},
		"requests cease":          {slices.Concat(repeat(600, 8), repeat(-1, 10)), []string{"fired@6", "resolved@14"}},
		"requests come and go":    {slices.Repeat([]float64{600, -1}, 20), nil},
	} {
		if told, _ := run(t, rule, c.values...); !slices.Equal(told, c.want) {
			t.Errorf("%s: told %v, want %v", name, told, c.want)
		}
	}
}

func TestAnAlertThatLastsIsToldAgain(t *testing.T) {
	rule := kigo.AlertRule{Metric: kigo.AlertMemory, Above: 100, Clear: 90, For: time.Minute, Remind: 30 * time.Minute}
	told, _ := run(t, rule, slices.Concat(repeat(120, 70), repeat(0, 3))...)
	if want := []string{"fired@2", "reminder@32", "reminder@62", "resolved@72"}; !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
}

func TestRestartsAreTooManyAtOnce(t *testing.T) {
	rule := kigo.AlertRule{Metric: kigo.AlertRestarts, Above: 3, Clear: 2, For: 10 * time.Minute}
	told, _ := run(t, rule, 0, 2, 4, 6, 3, 2, 0)
	if want := []string{"fired@3", "resolved@6"}; !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
}

func TestAClockThatJumpsAndAGapTellNothingFalse(t *testing.T) {
	rule := kigo.AlertRule{Metric: kigo.AlertFailed, Above: 5, Clear: 4, For: 10 * time.Minute}
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	var s kigo.AlertState
	step := func(at time.Time, v float64) string {
		var kind string
		s, kind = Step(rule, s, Observation{At: at, Value: v, Known: true})
		return kind
	}
	step(now, 9)
	if kind := step(now.Add(3*time.Hour), 9); kind != "" {
		t.Errorf("a gap of three hours counts as three hours above: %s", kind)
	}
	back := now.Add(-24 * time.Hour)
	step(back, 9)
	for i := 1; i < 10; i++ {
		if kind := step(back.Add(time.Duration(i)*time.Minute), 9); kind != "" {
			t.Errorf("fired %d minutes after the clock jumped back", i)
		}
	}
	if kind := step(back.Add(10*time.Minute), 9); kind != kigo.NoticeFired || s.Since.After(back.Add(10*time.Minute)) {
		t.Errorf("after ten minutes %q since %v", kind, s.Since)
	}
}

// Whatever is observed: a firing is told before its end, never two of a kind in a
// row, and no mark lies in the future.
func FuzzStep(f *testing.F) {
	f.Add([]byte{9, 9, 9, 9, 1, 200, 9, 0, 0, 0, 0}, uint8(3), uint8(5))
	f.Fuzz(func(t *testing.T, moves []byte, lasts, remind uint8) {
		r := kigo.AlertRule{Metric: kigo.AlertFailed, Above: 8, Clear: 6, For: time.Duration(lasts) * time.Minute, Remind: time.Duration(remind) * time.Minute}
		at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
		var s kigo.AlertState
		fired := false
		for _, m := range moves {
			at = at.Add(time.Minute)
			if m > 240 {
				at = at.Add(-time.Hour)
			}
			before := s.Firing
			var kind string
			s, kind = Step(r, s, Observation{At: at, Value: float64(m % 16), Known: m%7 != 0})
			switch {
			case kind == kigo.NoticeFired && (fired || before), kind == kigo.NoticeResolved && !fired, kind == kigo.NoticeReminder && !fired:
				t.Fatalf("%s while fired=%v", kind, fired)
			case s.Firing != before && kind == "":
				t.Fatal("a change of state is not told")
			}
			fired = s.Firing
			for _, mark := range []time.Time{s.Since, s.Told, s.Above, s.Calm, s.Seen} {
				if mark.After(at) {
					t.Fatalf("a mark %v lies after %v", mark, at)
				}
			}
		}
	})
}
