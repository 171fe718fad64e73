package dyno

import (
	"time"

	"github.com/kigo-dev/kigo"
)

// Delays of the crash restart policy (Heroku's documentation of dynos): the
// first crash restarts at once, the next waits 10 minutes, and each further one
// twice as long, to a day at most. A new release or a restart starts afresh.
const (
	firstDelay = 10 * time.Minute
	maxDelay   = 24 * time.Hour
)

// stableAfter is how long a dyno has to be up for its earlier crashes to be forgotten.
const stableAfter = time.Hour

// RestartDelay is how long a dyno waits after crashing for the n-th time in a
// row, n counting from 1.
func RestartDelay(n int) time.Duration {
	if n <= 1 {
		return 0
	}
	shift := n - 2
	if shift > 10 {
		return maxDelay
	}
	return min(firstDelay<<shift, maxDelay)
}

// remaining is what is left of d, which began at a moment of this machine's clock. When the
// clock has been set back since, nobody knows how much has passed, and all of it is left.
func remaining(d time.Duration, began time.Time) time.Duration { return d - max(0, time.Since(began)) }

// retryIn is how long a crashed dyno has to wait yet. When the machine's clock has been
// set back since the crash, the wait is over: nobody knows how much of it has passed.
func retryIn(now time.Time, d kigo.Dyno) time.Duration {
	left := d.RetryAt.Sub(now)
	if left > RestartDelay(d.Crashes) {
		return 0
	}
	return max(left, 0)
}
