package shim

import "time"

// A dyno's output beyond these is dropped where it is read, before it costs the disk
// and the log's readers anything: a dyno's keeper is not held by the dyno's own limits.
// What apps may log at all is less or as much (logplex).
const (
	outputRate  = 16 << 20 // bytes a second
	outputBurst = 32 << 20
)

// allowance is how much may come now. The zero value has the whole burst.
type allowance struct {
	spent int64 // of the burst
	last  time.Time
}

// take reports whether n more bytes may come at a time; times do not go back.
func (a *allowance) take(n int, at time.Time) bool {
	if passed := at.Sub(a.last); passed > 0 {
		a.spent = max(0, a.spent-int64(min(passed, time.Minute).Seconds()*outputRate))
		a.last = at
	}
	if a.spent+int64(n) > outputBurst {
		return false
	}
	a.spent += int64(n)
	return true
}
