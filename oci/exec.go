package oci

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/dyno/shim"
)

// Exec runs one more process inside a running launch, confined as its own are,
// and connects to it.
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
	conn, err := call(e.bundle(id), "exec")
	if err != nil {
		return nil, fmt.Errorf("call shim: %w", err)
	}
	_ = conn.SetDeadline(time.Now().Add(startTimeout))
	err = json.NewEncoder(conn).Encode(shim.Exec{Process: process, TTY: x.TTY != nil})
	line := ""
	if err == nil {
		line, err = readLine(conn)
	}
	if err == nil && line == "error "+shim.NotRunning { // it has ended, or is about to, since we looked
		_ = conn.Close()
		return nil, kigo.Conflict("Dyno %s is not running.", id)
	}
	if err == nil && line != "ok" {
		err = errors.New(strings.TrimPrefix(line, "error "))
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("exec: %w", err)
	}
	_ = conn.SetDeadline(time.Time{})
	return conn, nil
}

// execProcess is as that of a launch, but without our process 1 around the command.
func (e *Engine) execProcess(id kigo.DynoID, x kigo.Exec) any {
	p := e.process(kigo.Launch{ID: id, Env: x.Env, TTY: x.TTY})
	p.Args = x.Command
	return p
}
