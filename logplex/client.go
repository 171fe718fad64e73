package logplex

import (
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/kigo-dev/kigo"
)

// Limits of a client.
const (
	clientBuffer = 8 << 20 // bytes that wait for the hub; lines beyond are counted and dropped
	clientApps   = 10_000  // apps whose drops are counted
	clientChunk  = 256 << 10
	clientRetry  = 100 * time.Millisecond
	clientFlush  = 5 * time.Second // for the last lines when the process ends
	maxName      = 128             // bytes of a source or process
)

// Client takes lines in another process than the hub's and brings them there,
// across restarts of the hub. Lines are kept until the hub has confirmed them; a
// hub that dies in between may get some twice. When the buffer is full lines are
// dropped, and each app is told how many of its own (L12).
type Client struct {
	Path string       // of the hub's socket
	Log  *slog.Logger // nil: slog.Default

	mu   sync.Mutex
	buf  []byte // what the hub has not confirmed
	sent int    // how much of it went to the present connection
	lost map[kigo.AppID]*loss
	bell chan struct{}
}

type loss struct {
	n     int
	since time.Time
}

// Write takes lines of an app. It never blocks.
func (c *Client) Write(app kigo.AppID, lines ...kigo.LogLine) {
	c.mu.Lock()
	for i := range lines {
		l := &lines[i]
		if c.room(app, len(l.Message), l.Time) {
			start := len(c.buf)
			c.buf = appendFor(c.buf, app, l.Time, clip(l.Source, maxName), clip(l.Process, maxName))
			c.buf = finish(appendString(c.buf, clip(l.Message, maxMessage)), start)
		}
	}
	c.mu.Unlock()
	c.ring()
}

// WriteLine takes one line of the router. It never blocks and does not keep line.
func (c *Client) WriteLine(app kigo.AppID, at time.Time, line []byte) {
	c.mu.Lock()
	if c.room(app, len(line), at) {
		start := len(c.buf)
		c.buf = appendFor(c.buf, app, at, "heroku", "router")
		line = line[:min(len(line), maxMessage)]
		c.buf = append(binary.AppendUvarint(c.buf, uint64(len(line))), line...)
		c.buf = finish(c.buf, start)
	}
	c.mu.Unlock()
	c.ring()
}

// maxMessage is what fits into a frame beside the names.
const maxMessage = maxFrame - 4*maxName

func clip(s string, n int) string { return s[:min(len(s), n)] }

// room reports whether a line fits, and counts it as lost otherwise.
func (c *Client) room(app kigo.AppID, size int, at time.Time) bool {
	if len(c.buf)+min(size, maxMessage)+4*maxName <= clientBuffer && len(app) <= maxName {
		return true
	}
	l := c.lost[app]
	if l == nil {
		if len(c.lost) == clientApps {
			return false
		}
		if c.lost == nil {
			c.lost = map[kigo.AppID]*loss{}
		}
		l = &loss{since: at}
		c.lost[app] = l
	}
	l.n++
	return false
}

func (c *Client) ring() {
	select {
	case c.wake() <- struct{}{}:
	default:
	}
}

func (c *Client) wake() chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bell == nil {
		c.bell = make(chan struct{}, 1)
	}
	return c.bell
}

// Run brings lines to the hub until ctx ends and the last ones are there, or
// cannot be brought.
func (c *Client) Run(ctx context.Context) error {
	// The context of connections ends a little later than ours.
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		c.ring()
		time.AfterFunc(clientFlush, cancel)
	})()
	down := false
	for {
		var dialer net.Dialer
		conn, err := dialer.DialContext(late, "unix", c.Path)
		if err == nil {
			if down {
				c.log().Info("log lines reach the hub again")
			}
			down = false
			c.talk(ctx, late, conn)
		} else if !down && late.Err() == nil {
			down = true
			c.log().Warn("log lines wait: the hub cannot be reached", "err", err)
		}
		if late.Err() != nil || ctx.Err() != nil && c.empty() {
			return nil
		}
		select {
		case <-late.Done():
		case <-time.After(clientRetry):
		}
	}
}

func (c *Client) log() *slog.Logger {
	if c.Log != nil {
		return c.Log
	}
	return slog.Default()
}

func (c *Client) empty() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.buf) == 0 && len(c.lost) == 0
}

// talk sends on one connection until it breaks, or nothing is left after ctx.
func (c *Client) talk(ctx, late context.Context, conn net.Conn) {
	defer conn.Close()
	c.mu.Lock()
	c.sent = 0
	c.mu.Unlock()
	broken := make(chan struct{})
	go func() {
		defer close(broken)
		c.confirm(conn)
	}()
	wake := c.wake()
	for {
		for chunk := c.next(); len(chunk) > 0; chunk = c.next() {
			if _, err := conn.Write(chunk); err != nil {
				conn.Close()
				<-broken
				return
			}
		}
		if ctx.Err() != nil && c.empty() {
			return
		}
		select {
		case <-wake:
		case <-broken:
			return
		case <-late.Done():
			return
		}
	}
}

// next takes what is to be sent now.
func (c *Client) next() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.lost) > 0 && len(c.buf) < clientBuffer/2 {
		for app, l := range c.lost {
			c.buf = appendLost(c.buf, app, l.n, l.since)
		}
		c.lost = nil
	}
	chunk := c.buf[c.sent:]
	chunk = chunk[:min(len(chunk), clientChunk)]
	c.sent += len(chunk)
	return chunk
}

// confirm reads how many bytes the hub has taken, in all on this connection.
func (c *Client) confirm(conn net.Conn) {
	var total uint64
	var b [8]byte
	for {
		if _, err := io.ReadFull(conn, b[:]); err != nil {
			return
		}
		now := binary.LittleEndian.Uint64(b[:])
		c.mu.Lock()
		n := now - total
		if n > uint64(c.sent) { // not what we sent: talk to it anew
			c.mu.Unlock()
			return
		}
		total = now
		c.buf = c.buf[n:]
		c.sent -= int(n)
		if len(c.buf) == 0 {
			c.buf = nil // let a large buffer go
		}
		c.mu.Unlock()
		c.ring()
	}
}
