package router

import (
	"crypto/tls"
	"sync"
	"time"
)

// h2Conn holds back the head of an answer for the moment in which its body
// follows: x/net writes the two one by one, and each write costs as much as half
// of a request.
type h2Conn struct {
	*tls.Conn
	mu    sync.Mutex
	held  []byte
	err   error // of a write that nobody waited for
	timer *time.Timer
}

const h2Hold = time.Millisecond // the most that a head is late when no body follows

func newH2Conn(t *tls.Conn) *h2Conn {
	c := &h2Conn{Conn: t}
	c.timer = time.AfterFunc(time.Hour, c.release)
	c.timer.Stop()
	return c
}

func (c *h2Conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, c.err
	}
	if len(c.held) == 0 && endsWithHead(p) {
		c.held = append(c.held, p...)
		c.timer.Reset(h2Hold)
		return len(p), nil
	}
	if len(c.held) == 0 {
		return c.Conn.Write(p)
	}
	c.timer.Stop()
	c.held = append(c.held, p...)
	return len(p), c.flush()
}

// release writes a head that nothing has followed.
func (c *h2Conn) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.held) > 0 {
		c.err = c.flush()
	}
}

func (c *h2Conn) flush() error {
	_, err := c.Conn.Write(c.held)
	if c.held = c.held[:0]; cap(c.held) > bufferSize {
		c.held = nil
	}
	return err
}

func (c *h2Conn) Close() error {
	c.release()
	c.timer.Stop()
	return c.Conn.Close()
}

// endsWithHead reports whether p is whole frames, of which the last is the head
// of an answer that goes on.
func endsWithHead(p []byte) bool {
	const frameHead, headers, endStream, endHeaders = 9, 1, 1, 4
	for len(p) >= frameHead {
		n := frameHead + int(p[0])<<16 + int(p[1])<<8 + int(p[2])
		if n == len(p) {
			return p[3] == headers && p[4]&endStream == 0 && p[4]&endHeaders != 0
		}
		if n > len(p) {
			return false
		}
		p = p[n:]
	}
	return false
}
