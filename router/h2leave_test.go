package router

import (
	"runtime"
	"testing"
)

// TestAnEndingSessionKeepsItsDescriptorWhileGoAwayIsWritten holds the write of
// GOAWAY up while the client goes: closed before it, the descriptor could be
// another client's when it is written to.
func TestAnEndingSessionKeepsItsDescriptorWhileGoAwayIsWritten(t *testing.T) {
	t.Parallel()
	r, addr := startSecure(t, Config{Limits: calm})
	client := dialHTTP2(t, addr)
	if _, err := client.ReadFrame(); err != nil {
		t.Fatal(err)
	}
	var c *conn
	eventually(t, "a session", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		for c = range r.conns {
			return c.session.Load() != nil
		}
		return false
	})
	s := c.session.Load()
	s.write.Lock()
	r.hurryIdle()
	eventually(t, "the session to leave", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return !s.leaving.IsZero()
	})
	_ = client.c.Close()
	eventually(t, "the session to be dead", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.dead
	})
	for range 10_000 { // time for who would close it
		runtime.Gosched()
	}
	closed := c.wire.tcp.(*socket).closed.Load()
	s.write.Unlock()
	if closed {
		t.Error("the connection was closed while its GOAWAY waited to be written")
	}
	eventually(t, "the connection to end", func() bool { return r.count() == 0 })
}
