package dyno

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

// clients remembers which attached one-offs have their client on the line.
type clients struct {
	mu   sync.Mutex
	here map[kigo.DynoID]presence
}

// presence is how far a client has come; what clients does not know has none.
type presence int

const (
	expected presence = iota // it was said that the dyno waits
	arriving                 // its terminal is being connected
	joined
)

func (c *clients) arrived(id kigo.DynoID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.here[id] > expected
}

// arriving reports whether the client still has to be given what the dyno said.
func (c *clients) arriving(id kigo.DynoID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.here[id] == arriving
}

// join ends the arrival of a client, whether it has the terminal or not.
func (c *clients) join(id kigo.DynoID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.here[id] == arriving {
		c.here[id] = joined
	}
}

// first reports whether nobody has asked for id before.
func (c *clients) first(id kigo.DynoID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.here[id]; ok {
		return false
	}
	c.set(id, expected)
	return true
}

func (c *clients) set(id kigo.DynoID, here presence) {
	if c.here == nil {
		c.here = make(map[kigo.DynoID]presence)
	}
	c.here[id] = here
}

// arrive claims id for one client; a second one is refused.
func (c *clients) arrive(id kigo.DynoID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.here[id] > expected {
		return false
	}
	c.set(id, arriving)
	return true
}

func (c *clients) forget(id kigo.DynoID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.here, id)
}

// Attach starts the one-off that waits under secret, the capability in its
// attach_url, and connects to its terminal: to what it said, if it has ended by then. A
// secret works once.
func (a *Agent) Attach(ctx context.Context, secret string) (kigo.Dyno, io.ReadWriteCloser, error) {
	var d kigo.Dyno
	err := a.Store.View(ctx, func(tx *store.Tx) (err error) {
		d, err = tx.DynoBySecret(secret)
		return err
	})
	if err != nil {
		return d, nil, err
	}
	if d.Stop || !a.clients.arrive(d.ID) {
		return d, nil, kigo.Conflict("Dyno %s has been attached to already", d.Name())
	}
	defer a.Mark(d.ID) // its end waits for it
	defer a.clients.join(d.ID)
	if d.Inside != "" {
		conn, err := a.enter(ctx, d)
		return d, conn, err
	}
	a.Mark(d.ID)
	for deadline := time.Now().Add(awaitClient); ; {
		conn, err := a.Engine.Attach(ctx, RunID(d))
		if err == nil {
			return d, hangup{conn, a, d, new(atomic.Bool)}, nil
		}
		if !a.clients.arriving(d.ID) {
			return d, nil, kigo.Conflict("Dyno %s has ended before its client was there", d.Name())
		}
		if errors.Is(err, kigo.ErrConflict) || time.Now().After(deadline) {
			return d, nil, fmt.Errorf("attach to %s: %w", d.Name(), err)
		}
		select { // until it has been launched and its shim answers
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return d, nil, ctx.Err()
		}
	}
}

// hangup says so in the log when the client leaves before the process has ended.
type hangup struct {
	io.ReadWriteCloser
	agent *Agent
	dyno  kigo.Dyno
	over  *atomic.Bool // the process closed its side, or the client's end was told
}

// Read notes the end of the process's output.
func (h hangup) Read(p []byte) (int, error) {
	n, err := h.ReadWriteCloser.Read(p)
	if err != nil {
		h.over.Store(true)
	}
	return n, err
}

// CloseWrite passes on the end of the client's input, where the process has one.
func (h hangup) CloseWrite() error {
	if c, ok := h.ReadWriteCloser.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return nil
}

// detachedAfter is how long a process has to end after SIGHUP before R16 tells of it.
const detachedAfter = 10 * time.Second

// detached says R16 if the process goes on without its client.
func (h hangup) detached() {
	s, err := h.agent.Engine.Status(h.agent.ctx, RunID(h.dyno))
	if err == nil && !s.Ended() && h.agent.ctx.Err() == nil {
		h.agent.say(h.dyno, "Error R16 (Detached) -> An attached process is not responding to SIGHUP after its external connection was closed.")
	}
}

// Close ends the connection.
func (h hangup) Close() error {
	if !h.over.Swap(true) {
		h.agent.say(h.dyno, "Client connection closed. Sending SIGHUP to all processes")
		time.AfterFunc(detachedAfter, h.detached)
	}
	return h.ReadWriteCloser.Close()
}
