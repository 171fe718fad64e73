package logplex

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/kigo-dev/kigo"
)

// Filter says which lines a reader wants.
type Filter struct {
	Source  string // "app" or "heroku"; empty: both
	Process string // "web.1", or "web" for all web dynos; empty: all
	Lines   int    // how many kept lines come first
	After   uint64 // resume: all kept lines after this id come first, Lines is ignored
	Follow  bool   // go on with new lines
}

func (f *Filter) match(l *kigo.LogLine) bool {
	if f.Source != "" && f.Source != l.Source {
		return false
	}
	if f.Process == "" || f.Process == l.Process {
		return true
	}
	return strings.HasPrefix(l.Process, f.Process) && l.Process[len(f.Process)] == '.'
}

// Tail calls fn with each line that the filter wants, first kept ones, then with
// Follow new ones until ctx ends, the app is dropped or fn returns an error, which
// is returned. A reader that is too slow gets a line in their place that says how
// many were lost (L11).
func (h *Hub) Tail(ctx context.Context, app kigo.AppID, f Filter, fn func(id uint64, line kigo.LogLine) error) error {
	r := h.open(app, f)
	if r == nil {
		return nil
	}
	defer r.close()
	for {
		for batch := r.next(); len(batch) > 0; batch = r.next() {
			for i := range batch {
				if err := fn(batch[i].id, batch[i].line); err != nil {
					return err
				}
			}
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		if r.done {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-r.ended:
			r.done = true
		case <-r.wake:
		}
	}
}

// batchLines is how many lines a reader takes at once, and scanLines how many it
// looks at while it holds the stream.
const (
	batchLines = 512
	scanLines  = 2048
)

// reader is one Tail's place in a stream. The fields pos, lost, lostID and since
// are guarded by the stream's mu.
type reader struct {
	stream *stream
	filter Filter
	pos    uint64
	end    uint64 // without Follow: where to stop
	lost   int
	lostID uint64
	since  time.Time
	wake   chan struct{}
	ended  chan struct{} // closed by Drop
	batch  []entry
	done   bool
}

// open starts a reader; nil for a dropped app.
func (h *Hub) open(app kigo.AppID, f Filter) *reader {
	s := h.lock(app)
	if s == nil {
		return nil
	}
	defer s.mu.Unlock()
	r := &reader{stream: s, filter: f, wake: make(chan struct{}, 1), ended: make(chan struct{}), since: time.Now()}
	r.end = s.base + uint64(s.n)
	r.pos = s.base + uint64(s.start(r))
	s.readers = append(s.readers, r)
	s.slowest = min(s.slowest, r.pos)
	if len(s.readers) == 1 {
		s.slowest = r.pos
	}
	s.touched = true
	return r
}

// start is the index of the first line for a new reader.
func (s *stream) start(r *reader) int {
	i := s.n
	if r.filter.After > 0 {
		for i > 0 && s.at(i-1).id > r.filter.After {
			i--
		}
		// What has left the ring since is counted where that is possible: within
		// one life of the stream and without a filter.
		whole := r.filter.Source == "" && r.filter.Process == ""
		if oldest := s.nextID - uint64(s.n); i == 0 && whole && r.filter.After >= s.firstID && oldest > r.filter.After+1 {
			r.lose(int(oldest-r.filter.After-1), oldest-1)
		}
		return i
	}
	oldest := s.aged(s.kept(), time.Now())
	for wanted := r.filter.Lines; wanted > 0 && i > oldest; {
		i--
		if r.filter.match(&s.at(i).line) {
			wanted--
		}
	}
	return i
}

// next returns the lines that are there for the reader, at most batchLines; the
// slice is good until the next call. Empty: wait for wake, or done.
func (r *reader) next() []entry {
	s := r.stream
	if r.batch == nil {
		r.batch = make([]entry, 0, 16)
	}
	r.batch = r.batch[:0]
	for len(r.batch) == 0 {
		s.mu.Lock()
		if r.lost > 0 {
			r.batch = append(r.batch, r.overflow())
		}
		last := s.base + uint64(s.n)
		if !r.filter.Follow {
			last = min(last, r.end)
		}
		for i := 0; i < scanLines && r.pos < last && len(r.batch) < batchLines; i++ {
			if e := s.at(int(r.pos - s.base)); r.filter.match(&e.line) {
				r.batch = append(r.batch, *e)
			}
			r.pos++
		}
		more := r.pos < last
		s.mu.Unlock()
		if !more {
			r.done = r.done || !r.filter.Follow
			break
		}
	}
	return r.batch
}

func (r *reader) lose(n int, id uint64) {
	r.lost += n
	r.lostID = id
}

// overflow is the line that stands for the lost ones.
func (r *reader) overflow() entry {
	now := time.Now()
	e := entry{id: r.lostID, line: kigo.LogLine{Time: now, Source: "logplex", Process: "1",
		Message: fmt.Sprintf("Error L11 (Tail buffer overflow) -> This tail session dropped %d messages since %s.", r.lost, r.since.UTC().Format(kigo.LogTime))}}
	r.lost, r.since = 0, now
	return e
}

func (r *reader) notify() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *reader) close() {
	s := r.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, other := range s.readers {
		if other == r {
			s.readers = append(s.readers[:i], s.readers[i+1:]...)
			break
		}
	}
	if len(s.readers) == 0 {
		s.shrink()
	}
}
