package router

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"time"
)

const (
	connectTries = 10
	interimMost  = 100 // 1xx answers to one request
)

var continueLine = []byte("HTTP/1.1 100 Continue\r\n\r\n")

// proxy sends the request to a dyno and the response to the client.
func (x *exchange) proxy() *Code {
	for {
		if c := x.dial(); c != nil {
			return c
		}
		c, again := x.ask()
		if again {
			x.dropWire()
			x.retried = true
			continue
		}
		if c != nil {
			return c
		}
		if x.res.status == 101 {
			return x.runTunnel()
		}
		return x.relay()
	}
}

// dial gets a connection to a dyno: a kept one, or a new one to the first of up
// to ten dynos that accepts.
func (x *exchange) dial() *Code {
	began := time.Now()
	var failed *Code
	for len(x.tried) < connectTries {
		v := x.app.view.Load()
		x.view = v
		now := x.c.rt.clock.now.Load()
		var d *dyno
		if v.Affinity {
			d = x.sticky(v, now)
		}
		if d == nil {
			d = v.pick(now, x.tried)
		}
		if d == nil {
			if failed != nil {
				return failed
			}
			if c := x.await(); c != nil {
				return c
			}
			continue
		}
		x.dyno = d
		d.active.Add(1)
		if x.app.view.Load() != v { // the dyno may have been left before it was seen to owe this answer
			d.active.Add(-1)
			continue
		}
		if !x.retried {
			x.wire = d.pool.get(x.req.repeatable())
		}
		if x.wire == nil {
			failed = x.dialNew(d)
		}
		x.sent = time.Now()
		x.connect = x.sent.Sub(began)
		if x.wire != nil {
			return nil
		}
		d.active.Add(-1)
		if failed == h99 {
			return failed
		}
		d.aside.Store(x.c.rt.clock.after(x.c.rt.limits.Aside))
		x.tried = append(x.tried, d)
	}
	return failed
}

func (x *exchange) dialNew(d *dyno) *Code {
	c, err := x.c.rt.dialer.DialContext(context.Background(), "tcp", d.Addr)
	if err != nil {
		return dialCode(err)
	}
	x.wire = x.c.rt.clock.newWire(c, c.(*net.TCPConn))
	return nil
}

func dialCode(err error) *Code {
	var timeout net.Error
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		return h19
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE), errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.ENOMEM):
		return h99
	}
	return h21
}

func (x *exchange) dropWire() {
	x.wire.close()
	x.wire = nil
	x.dyno.active.Add(-1)
}

// ask sends the request and reads the head of the response. again: a kept
// connection was closed before the dyno can have seen the request.
func (x *exchange) ask() (c *Code, again bool) {
	body, c := x.beginUpload()
	if c != nil {
		return c, false
	}
	if x.req.expect != nil && !x.upload.done && len(body) == 0 {
		x.c.wire.sending()
		if _, err := x.c.wire.Write(continueLine); err != nil {
			return h27, false
		}
	}
	x.out = append(append(x.appendRequest(x.blank()), body...), x.upload.chunks.last()...)
	if x.up == nil {
		x.up = newBuffer()
	}
	x.up.r, x.up.w = 0, 0
	if x.upload.done {
		return x.askWhole()
	}
	x.wire.sending()
	if _, err := x.wire.Write(x.out); err != nil && x.stale() {
		return nil, true
	}
	x.wire.forever()
	x.vacate()
	x.up.free()
	x.up = nil
	x.startUpload()
	return x.readResponse()
}

// askWhole sends a request of which nothing is left to come.
func (x *exchange) askWhole() (c *Code, again bool) {
	x.c.wire.forever()
	x.c.wire.watch(x.wire)
	defer x.c.wire.unwatch()
	x.wire.within(x.c.rt.limits.FirstByte)
	if err := x.wire.ask(x.out, x.up); err != nil && x.stale() {
		return nil, true
	}
	return x.readResponse()
}

// stale reports whether the failed connection may just have been kept too long.
func (x *exchange) stale() bool {
	return x.wire.used && x.wire.reason.Load() == 0 && x.req.repeatable() && !x.retried
}

func (x *exchange) readResponse() (c *Code, again bool) {
	for interim := 0; interim < interimMost; interim++ {
		head, c := x.readResponseHead()
		if c != nil {
			return c, c == h13 && x.stale() && interim == 0
		}
		if bad := x.res.parse(head); bad != nil {
			x.extra = bad.extra
			return bad.code, false
		}
		switch s := x.res.status; {
		case s >= 200:
			return nil, false
		case s == 101:
			if x.req.upgrade == nil {
				return h17, false
			}
			return nil, false
		case s != 100 && x.req.minor == 1:
			if c := x.sendInterim(); c != nil {
				return c, false
			}
		}
		x.up.skip(len(head))
	}
	return h17, false
}

func (x *exchange) sendInterim() *Code {
	x.out = x.appendResponse(x.blank())
	x.c.wire.sending()
	if _, err := x.c.wire.Write(x.out); err != nil {
		return h27
	}
	x.c.wire.forever()
	return nil
}

func (x *exchange) readResponseHead() ([]byte, *Code) {
	if x.up == nil { // nothing is held while the body is on its way
		if err := x.wire.readable(); err != nil {
			return nil, x.silence(false)
		}
		x.up = newBuffer()
	}
	up := x.up
	seen := 0
	for {
		data := up.data()
		if i := bytes.Index(data[seen:], headEnd); i >= 0 {
			return data[:seen+i+len(headEnd)], nil
		}
		if seen = max(0, len(data)-3); !plausible(data) {
			return nil, h17
		}
		if !up.room(responseMax) {
			x.extra = "oversized header"
			return nil, h25
		}
		if len(data) > 0 {
			x.upload.answered.Store(true)
			if !x.uploading() {
				x.wire.within(x.c.rt.limits.Rolling)
			}
		}
		n, err := up.fill(x.wire)
		if n == 0 && err != nil {
			return nil, x.silence(len(data) > 0)
		}
	}
}

// plausible reports whether the beginning of an answer can still become HTTP.
func plausible(data []byte) bool {
	n := min(len(data), len(versionHTTP))
	return bytes.Equal(data[:n], versionHTTP[:n])
}

// silence is why the dyno's connection ended before a whole head.
func (x *exchange) silence(some bool) *Code {
	if x.wire.reason.Load() == reasonAbort || x.upload.running != nil {
		wasLate := x.wire.late()
		x.stopUpload()
		if c := x.upload.code; c != nil && !x.upload.broken {
			x.extra = x.upload.extra
			return c
		}
		if !wasLate && x.c.wire.reason.Load() == reasonGone {
			return h27
		}
		if !wasLate && !x.upload.done {
			return h18
		}
	}
	switch {
	case x.wire.late():
		return h12
	case x.wire.reason.Load() == reasonForced:
		return h24
	case some:
		return h18
	}
	return h13
}

// relay sends the response that has begun.
func (x *exchange) relay() *Code {
	x.frame()
	x.out = x.appendResponse(x.blank())
	x.up.skip(len(x.res.raw))
	d := &download{x: x, left: x.res.length, chunks: chunked{strip: x.bare()}}
	c := d.run()
	whole := x.stopUpload()
	if c == nil {
		x.reuse = whole && d.clean && !x.res.closing && (x.up == nil || x.up.empty())
		if x.c.wire.finished.Load() && !x.c.wire.taken(takenTime) {
			return h27
		}
	}
	return c
}

const takenTime = 2 * time.Second

// frame decides how the body ends, on both sides.
func (x *exchange) frame() {
	p := &x.res
	x.status = p.status
	x.closing = x.closing || x.req.closing || x.c.rt.draining.Load()
	switch {
	case p.bodiless(bytes.Equal(x.req.method, methodHEAD)):
		x.framing = bodyNone
		if p.chunked && p.status >= 200 && p.status != 204 && p.status != 304 && x.req.minor == 1 {
			x.framing = bodyChunked
		}
	case p.chunked:
		x.framing = bodyChunked
		x.closing = x.closing || x.bare()
	case p.length >= 0:
		x.framing = bodyLength
	default:
		x.framing = bodyUntilClose
		x.closing = true
	}
}

// isEnd reports whether a dyno closed its connection in good order.
func isEnd(err error) bool { return errors.Is(err, io.EOF) }
