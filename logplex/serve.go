package logplex

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/kigo-dev/kigo"
)

// Serve takes the lines of Clients for the hub until ctx ends. It closes the
// listener.
func Serve(ctx context.Context, l net.Listener, h *Hub) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer l.Close() // its path is free when this returns
	defer context.AfterFunc(ctx, func() { l.Close() })()
	var all sync.WaitGroup
	defer all.Wait()
	for {
		conn, err := l.Accept()
		if ctx.Err() != nil {
			if err == nil {
				conn.Close()
			}
			return nil
		}
		if errors.Is(err, net.ErrClosed) {
			return fmt.Errorf("accept log lines: %w", err)
		}
		if err != nil { // out of descriptors: it passes
			select {
			case <-ctx.Done():
			case <-time.After(clientRetry):
			}
			continue
		}
		all.Go(func() {
			defer context.AfterFunc(ctx, func() { conn.Close() })()
			defer conn.Close()
			_ = h.take(conn) // the client comes again and repeats what was not confirmed
		})
	}
}

// take reads frames and confirms them.
func (h *Hub) take(conn io.ReadWriter) error {
	buf := make([]byte, 0, clientChunk)
	in := intake{hub: h, shared: names{}}
	var total uint64
	for {
		n, err := conn.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		used, bad := in.frames(buf)
		buf = buf[:copy(buf, buf[used:])]
		total += uint64(used)
		if used > 0 {
			if _, err := conn.Write(binary.LittleEndian.AppendUint64(nil, total)); err != nil {
				return err
			}
		}
		if err := errors.Join(bad, err); err != nil {
			return err
		}
	}
}

// intake turns frames into writes, one per run of lines of the same app.
type intake struct {
	hub    *Hub
	shared names
	app    kigo.AppID
	lines  []kigo.LogLine
}

// frames takes all whole frames and says how many bytes they are.
func (in *intake) frames(data []byte) (used int, err error) {
	defer in.flush()
	rest := data
	for {
		body, next, err := cut(rest)
		if errors.Is(err, errShort) {
			return len(data) - len(rest), nil
		}
		if err == nil {
			err = in.frame(body)
		}
		if err != nil {
			return len(data) - len(rest), err
		}
		rest = next
	}
}

func (in *intake) frame(body []byte) error {
	f := fields{b: body[1:], ok: true}
	app := kigo.AppID(in.shared.of(f.bytes()))
	var line kigo.LogLine
	switch body[0] {
	case frameFor:
		_, line = f.line(in.shared)
	case frameLost:
		n, since := f.uint(), time.Unix(0, f.int())
		line = kigo.LostLine(n, since)
		line.Time = time.Now()
	default:
		return errFrame
	}
	if !f.ok {
		return errFrame
	}
	if app != in.app {
		in.flush()
		in.app = app
	}
	in.lines = append(in.lines, line)
	return nil
}

func (in *intake) flush() {
	if len(in.lines) > 0 {
		in.hub.Write(in.app, in.lines...)
		clear(in.lines)
		in.lines = in.lines[:0]
	}
}
