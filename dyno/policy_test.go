package dyno

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/kigo-dev/kigo"
)

func TestCrashesInARowWaitLongerUpToADay(t *testing.T) {
	want := []time.Duration{0, 10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440}
	for i, w := range want {
		if got := RestartDelay(i + 1); got != w*time.Minute {
			t.Errorf("crash %d waits %v, want %v", i+1, got, w*time.Minute)
		}
	}
	if got := RestartDelay(1 << 40); got != maxDelay {
		t.Errorf("a huge count waits %v", got)
	}
}

// A dyno that crashes at each start keeps its machine busy for ever shorter parts
// of the time: a week of it takes a moment here, as the clock is the bubble's.
func TestACrashLoopIsSlowedDownToOneStartADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var starts []time.Duration
		for crashes := 1; time.Since(begin) < 7*24*time.Hour; crashes++ {
			starts = append(starts, time.Since(begin))
			time.Sleep(time.Second) // it runs a little
			time.Sleep(RestartDelay(crashes))
		}
		day := 0
		for _, at := range starts {
			if at < 24*time.Hour {
				day++
			}
		}
		if day != 9 || len(starts) != 15 {
			t.Errorf("%d starts in a day, %d in a week: %v", day, len(starts), starts)
		}
	})
}

func TestAClockThatJumpsNeitherHoldsUpARestartNorRepeatsIt(t *testing.T) {
	crashed := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	d := kigo.Dyno{Crashes: 2, RetryAt: crashed.Add(RestartDelay(2))}
	for what, tt := range map[string]struct {
		passed, want time.Duration
	}{
		"at once":                    {0, 10 * time.Minute},
		"later":                      {9 * time.Minute, time.Minute},
		"in time":                    {10 * time.Minute, 0},
		"the clock jumped ahead":     {48 * time.Hour, 0},
		"the clock was set back":     {-time.Minute, 0},
		"it was set back by a month": {-31 * 24 * time.Hour, 0},
	} {
		if got := retryIn(crashed.Add(tt.passed), d); got != tt.want {
			t.Errorf("%s: %v, want %v", what, got, tt.want)
		}
	}
}
