package logplex

import (
	"math/bits"
	"os"
	"sync"
	"time"

	"github.com/kigo-dev/kigo"
)

// Sizes of one app's stream.
const (
	followLines = 1 << 15 // lines held for slow readers while there are any …
	followBytes = 8 << 20 // … but no more than are kept once they hold these bytes
	idLeap      = 1 << 20 // ids skipped at a load: more than a killed process can have given out unsaved
)

type entry struct {
	id   uint64
	line kigo.LogLine
}

// stream is one app's lines: a ring that holds those that are kept, and more
// while readers lag behind. Positions number the app's lines without gaps, over
// restarts too; ids are what the readers of sessions see.
type stream struct {
	app   kigo.AppID
	load  sync.Once
	meter meter

	keep kigo.LogRetention // guarded by mu

	mu        sync.Mutex
	ring      []entry // length is a power of two
	head, n   int
	base      uint64 // position of the oldest line held
	bytes     int    // of the messages held
	nextID    uint64
	firstID   uint64 // first id given out since the load
	readers   []*reader
	slowest   uint64            // no reader's position is below it
	cursors   []*Cursor         // of drains
	settled   uint64            // lines below this position were brought to disk, or refused by it
	origins   map[string]uint64 // where each writer that can repeat its lines stands
	changed   bool              // origins differ from what is on disk
	dirty     bool              // queued for saving
	forgotten bool              // lines were forgotten that are still on disk: it is to be written anew
	touched   bool              // written or read since the last sweep
	gone      bool              // dropped or evicted: ask the hub again

	disk      sync.Mutex // guards what follows; taken before mu
	file      *os.File
	fileLines int
	fileBytes int64
	saved     uint64 // position up to which lines are on disk
	fileEnd   uint64 // position after the file's last line
	removed   bool
}

// write stores lines and wakes readers; the caller holds mu.
func (s *stream) write(lines []kigo.LogLine) {
	var now time.Time
	for i := range lines {
		line := &lines[i]
		if line.Time.IsZero() {
			if now.IsZero() {
				now = time.Now()
			}
			line.Time = now
		}
		if isPlain(line.Message) {
			s.push(line, line.Message)
			continue
		}
		split(line.Message, func(part string) { s.push(line, part) })
	}
	s.touched = true
	for _, r := range s.readers {
		r.notify()
	}
}

func (s *stream) push(line *kigo.LogLine, message string) {
	if s.n >= s.keep.Lines || int64(s.bytes+len(message)) > s.keep.Bytes {
		s.trim(1, len(message))
	}
	if s.n == len(s.ring) {
		s.grow()
	}
	e := &s.ring[(s.head+s.n)&(len(s.ring)-1)]
	e.id = s.nextID
	e.line.Time, e.line.Source, e.line.Process, e.line.Message = line.Time, line.Source, line.Process, message
	s.nextID++
	s.n++
	s.bytes += len(message)
}

// trim makes room for so many lines and bytes more: without readers only the kept
// ones stay.
func (s *stream) trim(lines, bytes int) {
	for s.n > 0 && (s.n+lines > s.keep.Lines || int64(s.bytes+bytes) > s.keep.Bytes) &&
		(!s.held() || s.n+lines > max(followLines, s.keep.Lines) || int64(s.bytes+bytes) > max(followBytes, s.keep.Bytes)) {
		s.drop()
	}
}

// drop forgets the oldest line.
func (s *stream) drop() {
	old := &s.ring[s.head]
	if len(s.readers) > 0 && s.slowest <= s.base {
		s.skip(old)
	}
	s.bytes -= len(old.line.Message)
	*old = entry{}
	s.head = (s.head + 1) & (len(s.ring) - 1)
	s.base++
	s.n--
}

// expire forgets lines that are too old, and reports whether there were any.
func (s *stream) expire(now time.Time) bool {
	old := s.aged(0, now)
	for range old {
		s.drop()
	}
	return old > 0
}

// aged is the index of the first line, from an index on, that is not too old. Lines age in
// their order: one that says a time long ago, as a writer outside with a wrong clock may, is
// no older than the line before it, and one that says a time to come is as old as the next.
func (s *stream) aged(from int, now time.Time) int {
	for i := from; s.keep.Age > 0 && i < s.n; i++ {
		switch at := s.at(i).line.Time; {
		case now.Sub(at) > s.keep.Age:
			from = i + 1
		case !at.After(now):
			return from
		}
	}
	return from
}

// kept is the index of the first line that is kept whoever reads.
func (s *stream) kept() int {
	i := max(0, s.n-s.keep.Lines)
	if int64(s.bytes) <= s.keep.Bytes {
		return i
	}
	j, bytes := s.n, int64(0)
	for j > i {
		if bytes += int64(len(s.at(j - 1).line.Message)); bytes > s.keep.Bytes && j < s.n {
			break
		}
		j--
	}
	return j
}

// held reports whether somebody still wants lines that are no longer kept.
func (s *stream) held() bool {
	if len(s.readers) > 0 {
		return true
	}
	for _, c := range s.cursors {
		if c.hold && c.pos <= s.base {
			return true
		}
	}
	return false
}

// skip moves every reader that has not seen the oldest line past it and counts it
// as lost for those who wanted it.
func (s *stream) skip(old *entry) {
	s.slowest = s.base + uint64(s.n)
	for _, r := range s.readers {
		if r.pos == s.base {
			r.pos++
			if r.filter.match(&old.line) {
				r.lose(1, old.id)
			}
		}
		s.slowest = min(s.slowest, r.pos)
	}
}

func (s *stream) grow() {
	ring := make([]entry, max(16, 2*len(s.ring)))
	for i := range s.n {
		ring[i] = *s.at(i)
	}
	s.ring, s.head = ring, 0
}

func (s *stream) at(i int) *entry { return &s.ring[(s.head+i)&(len(s.ring)-1)] }

// shrink gives memory back after the last reader has left.
func (s *stream) shrink() {
	s.trim(0, 0)
	if small := 1 << bits.Len(uint(max(s.n, 1024))); len(s.ring) > 2*small {
		s.ring = s.window(make([]entry, 0, small), 0)[:small]
		s.head = 0
	}
}

// window appends the lines from index i on to out.
func (s *stream) window(out []entry, i int) []entry {
	for ; i < s.n; i++ {
		out = append(out, *s.at(i))
	}
	return out
}
