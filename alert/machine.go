package alert

import (
	"time"

	"github.com/kigo-dev/kigo"
)

// Observation is a metric's value at a moment; not Known when nothing happened that
// it could be taken from, which is calm.
type Observation struct {
	At    time.Time
	Value float64
	Known bool
}

// gap is how long may be between two observations that tell of the time between
// them: across a longer one nothing is known.
const gap = 5 * time.Minute

// Step is where an alert stands after an observation, and what is to be told, if
// anything.
//
//	            above, for For                   ┌── above: reminder each Remind
//	quiet ─────────────────────────► firing ─────┘
//	  ▲                                 │
//	  └─────────────────────────────────┘
//	       at or below Clear, for For
func Step(r kigo.AlertRule, s kigo.AlertState, o Observation) (kigo.AlertState, string) {
	s = settle(s, o.At)
	s.Seen, s.Value, s.Known = o.At, o.Value, o.Known
	lasts := r.For
	if r.Metric == kigo.AlertRestarts {
		lasts = 0 // they are counted over For as it is
	}
	if !s.Firing {
		if !o.Known || o.Value <= r.Above {
			s.Above = time.Time{}
			return s, ""
		}
		if s.Above.IsZero() {
			s.Above = o.At
		}
		if o.At.Sub(s.Above) < lasts {
			return s, ""
		}
		s.Firing, s.Since, s.Told, s.Above, s.Calm = true, s.Above, o.At, time.Time{}, time.Time{}
		return s, kigo.NoticeFired
	}
	if o.Known && o.Value > r.Clear {
		s.Calm = time.Time{}
		if r.Remind > 0 && o.At.Sub(s.Told) >= r.Remind {
			s.Told = o.At
			return s, kigo.NoticeReminder
		}
		return s, ""
	}
	if s.Calm.IsZero() {
		s.Calm = o.At
	}
	if o.At.Sub(s.Calm) < lasts {
		return s, ""
	}
	s.Firing, s.Calm, s.Told = false, time.Time{}, time.Time{}
	return s, kigo.NoticeResolved
}

// settle makes the marks of a state fit the moment: none is later than it, as after
// a clock that jumped back, and what had begun before a gap begins anew.
func settle(s kigo.AlertState, at time.Time) kigo.AlertState {
	unseen := !s.Seen.IsZero() && at.Sub(s.Seen) > gap
	for _, mark := range []*time.Time{&s.Since, &s.Told, &s.Above, &s.Calm} {
		if mark.After(at) {
			*mark = at
		}
	}
	if unseen {
		s.Above, s.Calm = time.Time{}, time.Time{}
	}
	return s
}

// maxOutbox bounds the notices that wait for a receiver that fails.
const maxOutbox = 20

// enqueue adds a notice; of too many the oldest goes, and the next one says so.
func enqueue(s kigo.AlertState, n kigo.Notice) kigo.AlertState {
	s.Outbox = append(s.Outbox[:len(s.Outbox):len(s.Outbox)], n)
	if len(s.Outbox) > maxOutbox {
		gone := s.Outbox[0]
		s.Outbox = s.Outbox[1:]
		s.Outbox[0].Dropped += gone.Dropped + 1
	}
	return s
}
