package oci

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/dyno/shim"
)

// Exec runs one more process inside a running launch, confined as its own are,
// and connects to it: the answer is a *Visit.
func (e *Engine) Exec(ctx context.Context, id kigo.DynoID, x kigo.Exec) (io.ReadWriteCloser, error) {
	s, err := e.Status(ctx, id)
	if err != nil {
		return nil, err
	}
	if s.State != kigo.RunReady && s.State != kigo.RunStarting {
		return nil, kigo.Conflict("Dyno %s is not running.", id)
	}
	if len(x.Command) == 0 {
		return nil, errors.New("oci: an exec needs a command")
	}
	process, err := json.Marshal(e.execProcess(id, x))
	if err != nil {
		return nil, fmt.Errorf("encode process: %w", err)
	}
	visit, err := e.visit(id, shim.Exec{Process: process, TTY: x.TTY != nil, Named: true})
	switch {
	case err == nil:
		return visit, nil
	case errors.Is(err, kigo.ErrConflict):
		return nil, err
	case e.endsMeanwhile(ctx, id):
		return nil, kigo.Conflict("Dyno %s is not running.", id)
	}
	return nil, fmt.Errorf("exec: %w", err)
}

// endsMeanwhile reports whether a launch ends about now, which may be known a moment
// after an exec into it has failed.
func (e *Engine) endsMeanwhile(ctx context.Context, id kigo.DynoID) bool {
	for range 15 {
		s, err := e.Status(ctx, id)
		if errors.Is(err, kigo.ErrNotFound) || err == nil && s.State != kigo.RunReady && s.State != kigo.RunStarting {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
	return false
}

// visit has a launch's shim start one more process.
func (e *Engine) visit(id kigo.DynoID, x shim.Exec) (*Visit, error) {
	conn, err := call(e.bundle(id), "exec")
	if err != nil {
		return nil, fmt.Errorf("call shim: %w", err)
	}
	_ = conn.SetDeadline(time.Now().Add(startTimeout))
	err = json.NewEncoder(conn).Encode(x)
	line := ""
	if err == nil {
		line, err = readLine(conn)
	}
	number, fine := strings.CutPrefix(line, "ok")
	if err == nil && line == "error "+shim.NotRunning { // it has ended, or is about to, since we looked
		_ = conn.Close()
		return nil, kigo.Conflict("Dyno %s is not running.", id)
	}
	if err == nil && !fine {
		err = errors.New(strings.TrimPrefix(line, "error "))
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	_ = conn.SetDeadline(time.Time{})
	return &Visit{UnixConn: conn, bundle: e.bundle(id), number: strings.TrimSpace(number)}, nil
}

// Visit is the connection to a process that Exec started.
type Visit struct {
	*net.UnixConn
	bundle string
	number string // empty: its shim is of an older kigo and cannot be asked
}

// Wait returns the exit status once the process has ended, 128+n for one that
// signal n ended. A dyno that ends takes its answer along: -1.
func (v *Visit) Wait() int {
	status := -1
	if v.number == "" {
		return status
	}
	conn, err := call(v.bundle, "exec-end "+v.number)
	if err != nil {
		return status
	}
	defer func() { _ = conn.Close() }()
	if line, err := readLine(conn); err == nil {
		if _, err := fmt.Sscanf(line, "ok %d", &status); err != nil {
			return -1
		}
	}
	return status
}

// Resize tells the process that its terminal has another size.
func (v *Visit) Resize(t kigo.TTY) {
	if v.number == "" {
		return
	}
	if conn, err := order(v.bundle, fmt.Sprintf("exec-size %s %d %d", v.number, t.Rows, t.Cols)); err == nil {
		_ = conn.Close()
	}
}

// execProcess is as that of a launch, but without our process 1 around the command.
func (e *Engine) execProcess(id kigo.DynoID, x kigo.Exec) any {
	p := e.process(kigo.Launch{ID: id, Env: x.Env, TTY: x.TTY})
	p.Args = x.Command
	return p
}
