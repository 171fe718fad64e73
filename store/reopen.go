package store

import (
	"context"
	"fmt"
)

// suspend closes the connections after an I/O error. A page that could not be
// written may still reach the disk later, so what this process believes of the
// database is worth nothing until the file has been read again.
func (s *Store) suspend(failed *pools, cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pools != failed || s.closed {
		return // somebody else has seen it
	}
	s.options.Log.Error("database failed, opening it again", "database", s.dialect.name, "error", cause)
	if err := s.pools.close(); err != nil {
		s.options.Log.Error("close database", "error", err)
	}
	s.pools = nil
}

// ensureOpen returns the connections. After suspend it opens the database again,
// checking its contents.
func (s *Store) ensureOpen(ctx context.Context) (*pools, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, fmt.Errorf("use database: %w", errClosed)
	}
	if s.pools != nil {
		return s.pools, nil
	}
	p, err := s.dialect.connect(ctx)
	if err != nil {
		return nil, unavailable("The platform's database cannot be opened: its operator has to look", err)
	}
	s.pools = p
	s.options.Log.Info("database opened again", "database", s.dialect.name)
	return p, nil
}
