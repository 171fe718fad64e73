package dyno

import (
	"testing"
	"time"
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
