package kigo

import (
	"slices"
	"time"
)

// Pool is what a month's usage leaves of an account's dyno-hours on sizes that sleep
// (Heroku's Eco dyno hours).
type Pool struct {
	Quota time.Duration // 0: there is no pool, which is never empty
	Used  time.Duration // may be a little more than Quota
	Apps  []PoolShare   // those that used any of it
}

// PoolShare is how much of a pool one app used.
type PoolShare struct {
	App  AppID
	Used time.Duration
}

// CountPool adds up what an account used in one month. It is a pure function.
func CountPool(quota time.Duration, month []Usage) Pool {
	p := Pool{Quota: quota}
	for _, u := range month {
		if size, err := FindSize(u.Size); err != nil || !size.Sleeps {
			continue
		}
		i := slices.IndexFunc(p.Apps, func(s PoolShare) bool { return s.App == u.App })
		if i < 0 {
			i = len(p.Apps)
			p.Apps = append(p.Apps, PoolShare{App: u.App})
		}
		p.Apps[i].Used += u.Used
		p.Used += u.Used
	}
	return p
}

// Empty reports that nothing is left of it.
func (p Pool) Empty() bool { return p.Quota > 0 && p.Used >= p.Quota }

// Lasts is how long what is left is enough for so many dynos at once, and most if that is longer.
func (p Pool) Lasts(dynos int, most time.Duration) time.Duration {
	if p.Quota <= 0 || dynos <= 0 {
		return most
	}
	return min(max(p.Quota-p.Used, 0)/time.Duration(dynos), most)
}
