package store

import (
	"context"
	"fmt"
)

// suspend closes the connections after an I/O error. A page that could not be
// written may still reach the disk later, so what this process believes of the
// database is worth nothing until the file has been read again.
func (s *Store) suspend(cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pools == nil || s.closed {
		return
	}
	s.options.Log.Error("database failed, opening it again", "database", s.dialect.name, "error", cause)
	if err := s.pools.close(); err != nil {
		s.options.Log.Error("close database", "error", err)
	}
	s.pools = nil
}

// ensureOpen opens the database again after suspend, checking its contents.
func (s *Store) ensureOpen(ctx context.Context) error {
	s.mu.RLock()
	ready, closed := s.pools != nil, s.closed
	s.mu.RUnlock()
	if closed {
		return fmt.Errorf("use database: %w", errClosed)
	}
	if ready {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pools != nil || s.closed {
		return nil
	}
	p, err := s.dialect.connect(ctx)
	if err != nil {
		return unavailable("The platform's database cannot be opened: its operator has to look", err)
	}
	s.pools = p
	s.options.Log.Info("database opened again", "database", s.dialect.name)
	return nil
}
