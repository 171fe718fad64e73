package drain_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/kigo-dev/kigo/logplex"
)

// fail makes the receiver answer 503, or all well again.
func (r *receiver) fail(fails bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fate = nil
	if fails {
		r.fate = func(int) int { return http.StatusServiceUnavailable }
	}
}

func (r *receiver) requests() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.n
}

// spilled is how many bytes wait on disk.
func (s *site) spilled() (n int64) {
	all, _ := filepath.Glob(s.hub.File(s.app, "drain-*.waiting"))
	for _, path := range all {
		if info, err := os.Stat(path); err == nil {
			n += info.Size()
		}
	}
	return n
}

// flood writes lines so fast as the hub saves them.
func (s *site) flood(from, n int) {
	for i := from; i < from+n; i += 1000 {
		s.write("web.1", i, 1000)
		end := s.hub.End(s.app)
		eventually(s.t, time.Minute, func() error { // a drain sees lines once they are on disk
			if waiting := s.hub.Unsaved(s.app); waiting > 0 {
				return fmt.Errorf("%d of %d lines are not saved", waiting, end)
			}
			return nil
		})
	}
}

func TestLinesWaitOnDiskForAReceiverThatIsAwayOverRestarts(t *testing.T) {
	t.Parallel()
	r, s := newReceiver(t), newSite(t)
	s.roots, s.spill = r.roots(), 64<<20
	d := s.drainTo("https://" + r.addr)
	stop := s.start()
	s.ready(d)
	r.fail(true)
	const total = 20_000 // far more than the stream and the buffer hold
	for i := 0; i < total; i += total / 4 {
		s.flood(i, total/4)
		eventually(t, time.Minute, func() error {
			if n := s.spilled(); n < int64(i) {
				return fmt.Errorf("%d bytes wait on disk", n)
			}
			return nil
		})
		stop()
		s.hub = &logplex.Hub{Dir: s.hub.Dir}
		before := r.requests()
		stop = s.start()
		eventually(t, time.Minute, func() error { // it has its place in the stream once it tries
			if r.requests() == before {
				return fmt.Errorf("nothing was tried")
			}
			return nil
		})
	}
	r.fail(false)
	r.waitFor(total)
	r.inOrder()
	if _, dropped := r.total(); dropped != 0 {
		t.Errorf("%d lines were dropped", dropped)
	}
	eventually(t, time.Minute, func() error {
		if n := s.spilled(); n != 0 {
			return fmt.Errorf("%d bytes are left on disk", n)
		}
		return nil
	})
	s.write("web.1", total, 100)
	r.waitFor(total + 100)
	stop()
}

func TestWhatDoesNotFitOnDiskIsCounted(t *testing.T) {
	t.Parallel()
	r, s := newReceiver(t), newSite(t)
	s.roots, s.spill = r.roots(), 1<<20
	d := s.drainTo("https://" + r.addr)
	defer s.start()()
	s.ready(d)
	r.fail(true)
	const total = 50_000 // 4 MB in frames
	s.flood(0, total)
	r.fail(false)
	r.waitFor(total)
	r.inOrder()
	if delivered, dropped := r.total(); dropped == 0 || delivered < 3_000 {
		t.Errorf("%d delivered, %d dropped", delivered, dropped)
	}
}
