package router

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"

	"github.com/kigo-dev/kigo"
)

// The socket: JSON values, one per line. Control sends a Snapshot, then Changes,
// or {"status":true}; the router answers each with one Status. {"watch":true}
// turns the connection round: the router sends Demands until it ends; {"usage":true} has it send
// Usages, each until it is answered {"kept":true}.

// Status is the router's answer on its socket.
type Status struct {
	Revision    int64  `json:"revision"` // of the routes being served
	Error       string `json:"error,omitempty"`
	Changes     bool   `json:"changes"` // it understands Changes
	Apps        int    `json:"apps"`
	Connections int    `json:"connections"`
	Clients     int64  `json:"clients"`           // connections that it takes at once
	Files       uint64 `json:"files"`             // descriptors that it may have
	Served      int64  `json:"served"`            // connections accepted since the start
	Dropped     int64  `json:"dropped,omitempty"` // access lines that the sink was too slow for
	Draining    bool   `json:"draining,omitempty"`

	Leaving []kigo.DynoID `json:"leaving,omitempty"` // dynos that get no more requests and owe answers
}

type message struct {
	Change
	Status  bool `json:"status,omitempty"`
	Watch   bool `json:"watch,omitempty"`
	Usage   bool `json:"usage,omitempty"`
	Partial bool `json:"partial,omitempty"` // a Change, not a Snapshot
}

func (r *Router) listenFeed() (net.Listener, error) {
	path := r.config.Socket
	if path == "" {
		return nil, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	temp := fmt.Sprintf("%s.%d", path, os.Getpid())
	_ = os.Remove(temp)
	l, err := net.Listen("unix", temp)
	if err != nil {
		return nil, err
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false) // a newer router may own the name by then
	if err := errors.Join(os.Chmod(temp, 0o600), os.Rename(temp, path)); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// serveFeed takes control's connections until the listener is closed.
func (r *Router) serveFeed(l net.Listener) {
	var open sync.Map
	var running sync.WaitGroup
	for {
		c, err := l.Accept()
		if err != nil {
			break
		}
		open.Store(c, nil)
		running.Go(func() {
			r.readFeed(c)
			open.Delete(c)
			_ = c.Close()
		})
	}
	open.Range(func(c, _ any) bool { _ = c.(net.Conn).Close(); return true })
	running.Wait()
}

func (r *Router) readFeed(c net.Conn) {
	in := json.NewDecoder(bufio.NewReaderSize(c, 64<<10))
	out := json.NewEncoder(c)
	for {
		var m message
		if err := in.Decode(&m); err != nil {
			return
		}
		fault := ""
		switch {
		case m.Watch:
			r.sendDemand(c)
			return
		case m.Usage:
			r.sendUsage(c, in)
			return
		case !m.Status:
			if err := r.take(&m); err != nil {
				if !errors.Is(err, errBase) {
					r.log.Error("routes refused", "error", err)
				}
				fault = err.Error()
			}
		}
		if out.Encode(r.status(fault)) != nil {
			return
		}
	}
}

// take serves what control says, and has it kept. A router that is about to end
// leaves that to the next one, whose file it is now.
func (r *Router) take(m *message) error {
	var kept any
	if m.Partial {
		if err := r.Change(&m.Change); err != nil {
			return err
		}
		kept = &m.Change
	} else {
		s := &Snapshot{Revision: m.Revision, Apps: m.Apps}
		if err := r.Apply(s); err != nil {
			return err
		}
		kept = s
	}
	if r.keeper != nil && !r.draining.Load() {
		r.keeper.keep(kept)
	}
	return nil
}

func (r *Router) status(fault string) Status {
	return Status{Revision: r.Revision(), Error: fault, Changes: true, Apps: r.table.count(), Connections: r.count(),
		Clients: r.limits.Clients, Files: descriptors(), Served: r.served.Load(), Dropped: r.access.dropped.Load(), Draining: r.draining.Load(), Leaving: r.leaving.ids()}
}

// ReadStatus asks the router behind the socket at path.
func ReadStatus(ctx context.Context, path string) (Status, error) {
	var s Status
	c, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	if err != nil {
		return s, fmt.Errorf("ask router: %w", err)
	}
	defer c.Close()
	if d, ok := ctx.Deadline(); ok {
		_ = c.SetDeadline(d)
	}
	if _, err = io.WriteString(c, "{\"status\":true}\n"); err == nil {
		err = json.NewDecoder(c).Decode(&s)
	}
	if err != nil {
		return s, fmt.Errorf("ask router: %w", err)
	}
	return s, nil
}
