package router

import (
	"net"
	"runtime/debug"
	"syscall"
)

// conn is one client's connection. While it is idle it holds no buffer.
type conn struct {
	rt        *Router
	wire      *wire
	in        *buffer // what the client sent and nobody used; nil while idle
	peer      string  // its address, for X-Forwarded-For
	forwarded string  // header lines that are the same for all its requests
	via       string  // how it came to us
	protocol  string  // end of its log lines
	sni       string  // TLS name; empty without one
	stream    *stream // when it is one stream of HTTP/2
	lingers   bool    // our last answer may still be on its way
	first     func(fd uintptr) bool
	firstErr  error
}

func (r *Router) newConn(w *wire, scheme string) *conn {
	c := &conn{rt: r, wire: w, via: "1.1 " + viaWord, protocol: " protocol=http1.1 tls=false"}
	c.peer, _, _ = net.SplitHostPort(w.RemoteAddr().String())
	_, port, _ := net.SplitHostPort(w.LocalAddr().String())
	c.forwarded = "\r\nX-Forwarded-Proto: " + scheme + "\r\nX-Forwarded-Port: " + port + "\r\n"
	if _, plain := w.Conn.(*net.TCPConn); plain {
		c.first = c.readFirst
	}
	return c
}

// serve carries requests until one of the two sides has had enough.
func (c *conn) serve() {
	defer c.end()
	for c.wait() {
		x := newExchange(c)
		again := c.guard(x)
		x.free()
		if !again {
			return
		}
	}
}

// guard makes a fault of ours one failed request (H99) and nothing more.
func (c *conn) guard(x *exchange) (again bool) {
	defer func() {
		if fault := recover(); fault != nil {
			c.rt.log.Error("request failed", "fault", fault, "stack", string(debug.Stack()))
			again = false
			if !x.started && x.app != nil {
				x.fail(h99)
			}
			x.release()
			x.log()
		}
	}()
	return x.run()
}

// wait returns when bytes of a request are there.
func (c *conn) wait() bool {
	if c.in == nil || c.in.empty() {
		c.wire.within(c.rt.limits.Idle)
		if !c.fill() {
			return false
		}
	}
	c.wire.within(c.rt.limits.Head)
	return true
}

// fill waits for the first bytes. On a plain socket no buffer is held meanwhile.
func (c *conn) fill() bool {
	if c.first == nil {
		if c.in == nil {
			c.in = newBuffer()
		}
		n, _ := c.in.fill(c.wire)
		return n > 0
	}
	if c.in != nil {
		c.in.free()
		c.in = nil
	}
	err := c.wire.raw.Read(c.first)
	return err == nil && c.firstErr == nil && c.in != nil && c.in.w > 0
}

func (c *conn) readFirst(fd uintptr) bool {
	in := newBuffer()
	for {
		n, err := syscall.Read(int(fd), in.b)
		switch err {
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			in.free()
			return false
		}
		in.w, c.firstErr, c.in = max(n, 0), err, in
		return true
	}
}

// end closes the connection; an answer that is on its way arrives first.
func (c *conn) end() {
	if c.lingers {
		scratch := relays.Get().(*[]byte)
		c.wire.linger(*scratch)
		relays.Put(scratch)
	}
	if c.in != nil {
		c.in.free()
		c.in = nil
	}
	c.wire.close()
	c.rt.left(c)
}
