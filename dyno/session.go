package dyno

import (
	"io"
	"sync"

	"github.com/kigo-dev/kigo"
)

// sessions are the connections of one-offs that run inside other dynos.
type sessions struct {
	mu   sync.Mutex
	open map[kigo.DynoID]io.Closer
}

func (s *sessions) set(id kigo.DynoID, c io.Closer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[kigo.DynoID]io.Closer{}
	}
	s.open[id] = c
}

func (s *sessions) forget(id kigo.DynoID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, id)
}

// end closes a connection, which hangs up.
func (s *sessions) end(id kigo.DynoID) {
	s.mu.Lock()
	c := s.open[id]
	s.mu.Unlock()
	if c != nil {
		_ = c.Close()
	}
}
