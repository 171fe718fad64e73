package logplex

import (
	"path/filepath"
	"slices"
	"time"

	"github.com/kigo-dev/kigo"
)

// Cursor is a drain's place in an app's stream. Lines are numbered without gaps
// for the whole life of the app, restarts included, so that a drain can say
// exactly how many it did not send. A cursor sees a line once it was brought to
// disk: what has been sent is never forgotten by a restart. It is for one
// goroutine.
type Cursor struct {
	stream *stream
	pos    uint64
	hold   bool // the stream keeps what this cursor has not seen, within its bounds
	wake   chan struct{}
	ended  chan struct{}
}

// Cursor follows an app's lines from that number on; nil for a dropped app.
func (h *Hub) Cursor(app kigo.AppID, from uint64) *Cursor {
	s := h.lock(app)
	if s == nil {
		return nil
	}
	defer s.mu.Unlock()
	c := &Cursor{stream: s, pos: min(from, s.base+uint64(s.n)), wake: make(chan struct{}, 1), ended: make(chan struct{})}
	s.cursors = append(s.cursors, c)
	s.touched = true
	c.notify()
	return c
}

// End is the number of the app's next line.
func (h *Hub) End(app kigo.AppID) uint64 {
	s := h.lock(app)
	if s == nil {
		return 0
	}
	defer s.mu.Unlock()
	return s.base + uint64(s.n)
}

// Unsaved is how many of an app's lines are not on disk yet.
func (h *Hub) Unsaved(app kigo.AppID) int {
	s := h.lock(app)
	if s == nil {
		return 0
	}
	defer s.mu.Unlock()
	return int(s.base + uint64(s.n) - min(s.settled, s.base+uint64(s.n)))
}

// Folder is where files that belong to an app's lines may be kept; they are
// removed with them. Empty when lines are kept in memory only.
func (h *Hub) Folder(app kigo.AppID) string { return h.folder(app) }

// File is a path in Folder, or empty.
func (h *Hub) File(app kigo.AppID, name string) string {
	dir := h.folder(app)
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, name)
}

// Missed counts lines that a cursor could not be given.
type Missed struct {
	N     int
	Since time.Time // of the first of them, or of the first that is left
}

// Next appends at most most lines to out, the oldest first, and no more than fit
// into so many bytes, but for one. Before, lines beyond
// the last limit ones that wait are given up (0: as many as the stream holds), and
// counted with those that the stream could not hold.
func (c *Cursor) Next(out []kigo.LogLine, most, bytes, limit int) ([]kigo.LogLine, Missed) {
	s := c.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	from := c.pos
	c.pos = max(c.pos, min(s.base, s.settled)) // a loss is told when the disk knows of it, too
	end := max(s.settled, c.pos)
	missed := Missed{}
	if s.base <= c.pos && c.pos < s.base+uint64(s.n) {
		missed.Since = s.at(int(c.pos - s.base)).line.Time
	}
	if waiting := end - c.pos; limit > 0 && waiting > uint64(limit) {
		c.pos = end - uint64(limit)
	}
	missed.N = int(c.pos - from)
	for ; c.pos < end && most > 0; most-- {
		line := &s.at(int(c.pos - s.base)).line
		if bytes -= len(line.Message); bytes < 0 && len(out) > 0 {
			break
		}
		out = append(out, *line)
		c.pos++
	}
	return out, missed
}

// Rewind takes back what Next gave: the cursor is at pos again. What the stream no
// longer holds is missed by the next Next.
func (c *Cursor) Rewind(pos uint64) {
	c.stream.mu.Lock()
	defer c.stream.mu.Unlock()
	c.pos = min(pos, c.pos)
}

// Waiting is how many lines Next would find.
func (c *Cursor) Waiting() int {
	c.stream.mu.Lock()
	defer c.stream.mu.Unlock()
	return int(max(c.stream.settled, c.pos) - c.pos)
}

// Pos is the number of the line that comes next.
func (c *Cursor) Pos() uint64 { return c.pos }

// Hold says whether the stream shall keep more than the kept lines for this cursor.
func (c *Cursor) Hold(hold bool) {
	c.stream.mu.Lock()
	defer c.stream.mu.Unlock()
	c.hold = hold
}

// Wake is rung when there are lines.
func (c *Cursor) Wake() <-chan struct{} { return c.wake }

// Ended is closed when the app is gone.
func (c *Cursor) Ended() <-chan struct{} { return c.ended }

// Close ends the cursor.
func (c *Cursor) Close() {
	s := c.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cursors = slices.DeleteFunc(s.cursors, func(other *Cursor) bool { return other == c })
}

func (c *Cursor) notify() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// settle lets cursors have the lines below a position; the caller holds mu.
func (s *stream) settle(end uint64) {
	if end <= s.settled {
		return
	}
	s.settled = end
	for _, c := range s.cursors {
		c.notify()
	}
}
