package oci

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/dyno/shim"
)

// Attach connects to the terminal, or to standard input and output, of a launch
// that has one, once in its life. Closing the connection hangs up: all processes
// get SIGHUP. For pipes the connection has CloseWrite() error, which ends the
// launch's standard input. After the end of a launch that nobody was attached to
// it gives what the launch wrote.
func (e *Engine) Attach(ctx context.Context, id kigo.DynoID) (io.ReadWriteCloser, error) {
	s, err := e.Status(ctx, id)
	if err != nil {
		return nil, err
	}
	if !s.Ended() {
		conn, err := order(e.bundle(id), "attach")
		if err == nil {
			return conn, nil
		}
		if running, e2 := alive(e.bundle(id)); e2 != nil || running {
			if _, over := e.final(id); !over {
				return nil, err
			}
		}
	}
	left := filepath.Join(e.bundle(id), shim.AttachFile)
	data, err := os.ReadFile(left)
	if err != nil {
		return nil, kigo.Conflict("Dyno %s has ended and left no output to attach to.", id)
	}
	_ = os.Remove(left)
	return &leftover{Reader: bytes.NewReader(data)}, nil
}

// leftover is the connection to a launch that has ended.
type leftover struct{ io.Reader }

func (*leftover) Write(p []byte) (int, error) { return len(p), nil }
func (*leftover) CloseWrite() error           { return nil }
func (*leftover) Close() error                { return nil }
