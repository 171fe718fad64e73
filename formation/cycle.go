package formation

import (
	"hash/fnv"
	"time"

	"github.com/kigo-dev/kigo"
)

// Heroku cycles each dyno after 24 hours and up to 216 random minutes, and two of
// one type never in the same minute.
const (
	cycleSpread = 216 * time.Minute
	cycleApart  = time.Minute
)

// CycleAt is when a dyno is due, by its row alone: a restart of the platform
// changes nothing, a restart of the dyno begins anew.
func CycleAt(d kigo.Dyno) time.Time {
	h := fnv.New64a()
	_, _ = h.Write([]byte(d.ID))
	_, _ = h.Write([]byte{byte(d.Restarts)})
	return d.StartedAt.Add(kigo.MaxLife + time.Duration(h.Sum64()%uint64(cycleSpread)))
}

// Cycle returns the dynos of one app that are to be cycled now, at most one of each
// type, and how long until there may be others; 0: never, as it stands. It is pure.
func Cycle(now time.Time, dynos []kigo.Dyno) (due []kigo.DynoID, after time.Duration) {
	first, free := map[string]kigo.Dyno{}, map[string]time.Time{}
	for _, d := range dynos {
		if d.OneOff {
			continue
		}
		// A start, whatever its cause, takes the minute; one that is still under way the present one.
		begun := d.StartedAt
		if d.Stop || d.Retire || d.State == kigo.DynoStarting {
			begun = now
		}
		if at := begun.Add(cycleApart); at.After(free[d.Type]) {
			free[d.Type] = at
		}
		if d.Stop || d.Retire || d.State != kigo.DynoUp || d.StartedAt.IsZero() {
			continue
		}
		if f, ok := first[d.Type]; !ok || CycleAt(d).Before(CycleAt(f)) {
			first[d.Type] = d
		}
	}
	for typ, d := range first {
		at := CycleAt(d)
		if free[typ].After(at) {
			at = free[typ]
		}
		switch wait := at.Sub(now); {
		case wait <= 0:
			due = append(due, d.ID)
			after = cycleApart
		case after == 0 || wait < after:
			after = wait
		}
	}
	return due, after
}
