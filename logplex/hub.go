package logplex

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/kigo-dev/kigo"
)

// FlushEvery is the least time between two writes of the same lines to disk: what
// a killed process may lose. The first line after a pause is written at once.
const FlushEvery = 20 * time.Millisecond

// sweepEvery is how often streams that nobody wrote or read leave memory.
const sweepEvery = time.Minute

// Hub holds the streams of all apps. Run must be running for lines to reach the
// disk; everything else works without it.
type Hub struct {
	Dir string       // logs/: one folder per app
	Log *slog.Logger // told when the disk refuses lines; may be nil
	// Rate is how many bytes a second an app may write, with 64 for each line; what
	// is beyond is dropped, counted and told (L12). 0: no bound.
	Rate int

	mu      sync.RWMutex
	streams map[kigo.AppID]*stream
	dropped map[kigo.AppID]bool // late lines of destroyed apps are ignored
	keep    map[kigo.AppID]kigo.LogRetention

	queue struct {
		sync.Mutex
		dirty []*stream
		wake  chan struct{}
	}
	diskFailed bool // of Run alone, as are the next two: what is being saved
	window     []entry
	data       []byte
}

// Write appends lines to an app's stream. It never waits for readers or for the
// disk (the first touch of an app after a start reads its file). Messages are cut
// and cleaned as split says; a zero Time becomes now. The slice is not kept.
func (h *Hub) Write(app kigo.AppID, lines ...kigo.LogLine) {
	if len(lines) == 0 {
		return
	}
	if s := h.lock(app); s != nil {
		s.write(h.admit(s, lines))
		h.unlockDirty(s)
	}
}

// WriteFrom is Write for an origin that can repeat its lines, such as a dyno's
// shim: seq is its own number of the last of these lines, kept on disk in one step
// with them. After a restart, continue after Position.
func (h *Hub) WriteFrom(app kigo.AppID, origin string, seq uint64, lines ...kigo.LogLine) {
	s := h.lock(app)
	if s == nil {
		return
	}
	if s.origins == nil {
		s.origins = map[string]uint64{}
	}
	s.origins[origin] = seq
	s.changed = true
	s.write(h.admit(s, lines))
	h.unlockDirty(s)
}

// Position is the seq of the last WriteFrom of that origin, 0 when there is none.
func (h *Hub) Position(app kigo.AppID, origin string) uint64 {
	s := h.lock(app)
	if s == nil {
		return 0
	}
	defer s.mu.Unlock()
	return s.origins[origin]
}

// Forget drops an origin's position, when it will write no more.
func (h *Hub) Forget(app kigo.AppID, origin string) {
	s := h.lock(app)
	if s == nil {
		return
	}
	delete(s.origins, origin)
	s.changed = true
	h.unlockDirty(s)
}

// Drop removes an app's lines from memory and disk, ends its readers and ignores
// lines that still come.
func (h *Hub) Drop(app kigo.AppID) error {
	h.mu.Lock()
	if h.dropped == nil {
		h.dropped = map[kigo.AppID]bool{}
	}
	h.dropped[app] = true
	s := h.streams[app]
	delete(h.streams, app)
	delete(h.keep, app)
	h.mu.Unlock()
	if s == nil {
		s = &stream{app: app}
	}
	s.disk.Lock()
	defer s.disk.Unlock()
	s.mu.Lock()
	s.gone = true
	for _, r := range s.readers {
		close(r.ended)
	}
	s.readers = nil
	for _, c := range s.cursors {
		close(c.ended)
	}
	s.cursors = nil
	s.mu.Unlock()
	s.removed = true
	return h.removeFile(s)
}

// lock returns the app's stream, loaded and locked; nil for a dropped app.
func (h *Hub) lock(app kigo.AppID) *stream {
	for {
		s := h.find(app)
		if s == nil {
			return nil
		}
		s.load.Do(func() { h.loadFile(s) })
		s.mu.Lock()
		if !s.gone {
			return s
		}
		s.mu.Unlock()
	}
}

func (h *Hub) find(app kigo.AppID) *stream {
	h.mu.RLock()
	s := h.streams[app]
	h.mu.RUnlock()
	if s != nil {
		return s
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.dropped[app] {
		return nil
	}
	if h.streams[app] == nil {
		if h.streams == nil {
			h.streams = map[kigo.AppID]*stream{}
		}
		h.streams[app] = &stream{app: app}
	}
	return h.streams[app]
}

// unlockDirty unlocks a stream and queues it for saving.
func (h *Hub) unlockDirty(s *stream) {
	first := !s.dirty
	s.dirty = true
	s.mu.Unlock()
	if !first {
		return
	}
	h.queue.Lock()
	h.queue.dirty = append(h.queue.dirty, s)
	wake := h.wake()
	h.queue.Unlock()
	select {
	case wake <- struct{}{}:
	default:
	}
}

// wake is the saver's bell; the caller holds the queue.
func (h *Hub) wake() chan struct{} {
	if h.queue.wake == nil {
		h.queue.wake = make(chan struct{}, 1)
	}
	return h.queue.wake
}

// Run saves lines until ctx ends, then saves the last ones.
func (h *Hub) Run(ctx context.Context) error {
	h.queue.Lock()
	wake := h.wake()
	h.queue.Unlock()
	sweep := time.NewTicker(sweepEvery)
	defer sweep.Stop()
	expire := time.NewTicker(expireEvery)
	defer expire.Stop()
	pause := time.NewTimer(0)
	defer pause.Stop()
	<-pause.C
	for {
		select {
		case <-ctx.Done():
			h.saveAll()
			h.closeFiles()
			return nil
		case <-sweep.C:
			h.sweep()
			continue
		case now := <-expire.C:
			h.expire(now)
			continue
		case <-wake:
		}
		h.saveAll()
		pause.Reset(FlushEvery)
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
	}
}

func (h *Hub) saveAll() {
	h.queue.Lock()
	dirty := h.queue.dirty
	h.queue.dirty = nil
	h.queue.Unlock()
	var failed error
	for _, s := range dirty {
		if err := h.save(s); err != nil {
			failed = err
		}
	}
	if len(dirty) > 0 && h.Log != nil && (failed != nil) != h.diskFailed {
		h.diskFailed = failed != nil
		if failed != nil {
			h.Log.Error("log lines cannot be saved", "err", failed)
		} else {
			h.Log.Info("log lines are saved again")
		}
	}
}

// sweep lets go of files and lines of apps that were quiet since the last sweep.
func (h *Hub) sweep() {
	h.mu.RLock()
	all := make([]*stream, 0, len(h.streams))
	for _, s := range h.streams {
		all = append(all, s)
	}
	h.mu.RUnlock()
	for _, s := range all {
		s.disk.Lock()
		h.mu.Lock()
		s.mu.Lock()
		idle := s.meter.since.IsZero() && !s.touched && !s.dirty && !s.changed && len(s.readers) == 0 && len(s.cursors) == 0 && s.saved == s.base+uint64(s.n)
		if idle && h.streams[s.app] == s {
			s.gone = true
			delete(h.streams, s.app)
			s.closeFile()
		}
		s.touched = false
		s.mu.Unlock()
		h.mu.Unlock()
		s.disk.Unlock()
	}
}

func (h *Hub) closeFiles() {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, s := range h.streams {
		s.disk.Lock()
		s.closeFile()
		s.disk.Unlock()
	}
}
