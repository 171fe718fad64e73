package router

import (
	"net"
	"runtime/debug"
	"strconv"
	"sync/atomic"
)

// conn is one client's connection. While it is idle it holds no buffer.
type conn struct {
	rt        *Router
	wire      *wire
	in        *buffer                 // what the client sent and nobody used; nil while idle
	peer      string                  // its address, for X-Forwarded-For
	forwarded string                  // header lines that are the same for all its requests
	via       string                  // how it came to us
	protocol  string                  // end of its log lines
	sni       string                  // TLS name; empty without one
	plain     bool                    // no TLS
	seat      string                  // its client's network, where it is counted
	stream    carried                 // when it is one stream of HTTP/2 or HTTP/3
	session   atomic.Pointer[session] // when it carries such streams
	idle      atomic.Bool
	handed    bool // to carry, as a tunnel
	lingers   bool // our last answer may still be on its way
	first     lazyReader
}

// door is what all connections of one listener have in common.
type door struct {
	secure    bool
	forwarded string
}

func newDoor(a net.Addr, secure bool) *door {
	scheme, port := "http", ""
	if secure {
		scheme = "https"
	}
	if t, ok := a.(*net.TCPAddr); ok {
		port = strconv.Itoa(t.Port)
	}
	return &door{secure, "\r\nX-Forwarded-Proto: " + scheme + "\r\nX-Forwarded-Port: " + port + "\r\n"}
}

func (r *Router) newConn(w *wire, d *door) *conn {
	c := &conn{rt: r, wire: w, first: lazyReader{w: w}, forwarded: d.forwarded, via: "1.1 " + viaWord, protocol: " protocol=http1.1 tls=false"}
	c.plain = !d.secure
	if w.tcp != nil {
		c.peer = peerOf(w.tcp)
	}
	return c
}

func peerOf(t transport) string {
	if s, ok := t.(*socket); ok {
		return s.peer.Addr().WithZone("").String()
	}
	return ""
}

// serve carries requests until one of the two sides has had enough.
func (c *conn) serve() {
	for c.wait() {
		if c.isSSH() {
			c.passSSH()
			break
		}
		x := newExchange(c)
		again := c.guard(x)
		if c.handed { // it has an owner, and so has the connection
			return
		}
		x.free()
		if !again {
			break
		}
	}
	c.end()
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
		c.idle.Store(true)
		c.wire.within(c.rt.limits.Idle)
		if c.rt.draining.Load() {
			c.wire.within(c.rt.limits.Leave)
		}
		if !c.fill() {
			return false
		}
		c.idle.Store(false)
	}
	c.wire.within(c.rt.limits.Head)
	return true
}

// fill waits for the first bytes. On a plain socket no buffer is held meanwhile.
func (c *conn) fill() bool {
	if c.in != nil {
		c.in.free()
	}
	c.in, _ = c.first.read()
	return c.in != nil
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
	if c.stream == nil {
		c.rt.left(c)
	}
}
