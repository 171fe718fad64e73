package api

import (
	"sync"
	"time"
)

// Requests an account may make (Dev Center, "Platform API limits"): 4,500 in a
// burst, refilled by 75 a minute. Failed logins by password are far fewer.
const (
	rateBurst      = 4500
	ratePerMinute  = 75
	loginBurst     = 20
	loginPerMinute = 2
)

// limiter is one token bucket for each key, kept in memory: a restart refills them.
type limiter struct {
	burst, perMinute float64
	now              func() time.Time

	mu      sync.Mutex
	buckets map[string]bucket
}

type bucket struct {
	left float64
	at   time.Time
}

// maxBuckets bounds the memory of a limiter; full buckets are forgotten first.
const maxBuckets = 100_000

func newLimiter(burst, perMinute float64, now func() time.Time) *limiter {
	return &limiter{burst: burst, perMinute: perMinute, now: now, buckets: map[string]bucket{}}
}

// take spends n tokens of key's bucket and returns how many are left; it reports
// false, and spends nothing, when there are fewer than n.
func (l *limiter) take(key string, n float64) (left int, allowed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.refilled(key)
	if allowed = b.left >= n; allowed {
		b.left -= n
	}
	if len(l.buckets) >= maxBuckets {
		l.forgetFull()
	}
	l.buckets[key] = b
	return int(b.left), allowed
}

// refilled is key's bucket as of now.
func (l *limiter) refilled(key string) bucket {
	now := l.now()
	b, known := l.buckets[key]
	if !known {
		return bucket{left: l.burst, at: now}
	}
	b.left = min(l.burst, b.left+now.Sub(b.at).Minutes()*l.perMinute)
	b.at = now
	return b
}

func (l *limiter) forgetFull() {
	for key := range l.buckets {
		if l.refilled(key).left >= l.burst {
			delete(l.buckets, key)
		}
	}
}
