package router

import "bytes"

// download is a response's body on its way to the client.
type download struct {
	x      *exchange
	chunks chunked
	left   int64
	plain  int64 // bytes of a body without framing
	clean  bool  // the dyno's connection stands after the body's end
	done   bool
}

// run sends head and body. What has arrived with the head goes with it.
func (d *download) run() *Code {
	x := d.x
	kept, c := d.begin()
	if c != nil && kept == nil {
		return c
	}
	if len(x.out)+len(kept) <= cap(x.out) {
		x.out = append(x.out, kept...)
		kept = nil
	}
	if w := d.send(x.out, d.done && kept == nil && x.last()); w != nil {
		return w
	}
	if kept != nil {
		if w := d.write(kept); w != nil {
			return w
		}
	}
	x.bytes = d.count()
	if c == nil && !d.done {
		x.vacate()
		if x.up.empty() {
			x.up.free()
			x.up = nil
		}
		c = d.rest()
	}
	if last := d.chunks.last(); last != nil && c == nil {
		c = d.write(last)
	}
	if x.c.stream != nil && d.chunks.tail != nil && c == nil {
		x.c.stream.trail(d.chunks.tail)
	}
	return c
}

// last reports whether the client has asked for the end of its connection and sends
// nothing more: else a reset could destroy an answer that waits for that end.
func (x *exchange) last() bool {
	return x.req.closing && !x.req.hasBody() && x.framing != bodyChunked && x.c.in.w-x.c.in.r == len(x.req.raw)
}

// begin takes the part of the body that is in the dyno's buffer.
func (d *download) begin() ([]byte, *Code) {
	x := d.x
	if x.framing == bodyNone || x.framing == bodyChunked && bytes.Equal(x.req.method, methodHEAD) {
		d.done, d.clean = true, true
		return nil, nil
	}
	if x.framing == bodyLength && d.left == 0 {
		d.done, d.clean = true, true
		return nil, nil
	}
	data := x.up.data()
	kept, read, err := d.walk(data)
	x.up.skip(read)
	if err != nil {
		return data[:kept], h18
	}
	return data[:kept], nil
}

// count is how many bytes of body have been passed on.
func (d *download) count() int64 {
	switch d.x.framing {
	case bodyLength:
		return d.x.res.length - d.left
	case bodyChunked:
		return d.chunks.data
	}
	return d.plain
}

func (d *download) walk(b []byte) (kept, read int, err error) {
	switch d.x.framing {
	case bodyLength:
		n := int(min(d.left, int64(len(b))))
		d.left -= int64(n)
		d.done = d.left == 0
		d.clean = d.done
		return n, n, nil
	case bodyChunked:
		kept, read, err = d.chunks.walk(b)
		d.done = d.chunks.done()
		d.clean = d.done
		return kept, read, err
	}
	d.plain += int64(len(b))
	return len(b), len(b), nil
}

// rest moves what did not come with the head.
func (d *download) rest() *Code {
	if x := d.x; x.framing == bodyLength && d.left >= spliceFrom {
		if s := newSplicer(x.wire, x.c.wire); s != nil {
			c := d.splice(s)
			s.free(c == nil)
			return c
		}
	}
	return d.copy()
}

// splice moves a body of known length without looking at it.
func (d *download) splice(s *splicer) *Code {
	x := d.x
	for d.left > 0 {
		if c := d.room(); c != nil {
			return c
		}
		x.wire.within(x.c.rt.limits.Rolling)
		n, err := s.fill(d.left)
		if err != nil {
			return d.ended(err)
		}
		x.wire.forever()
		x.c.wire.sending()
		if err := s.drain(n); err != nil {
			return d.refused()
		}
		x.c.wire.forever()
		d.left -= int64(n)
		x.bytes = d.count()
	}
	d.done, d.clean = true, true
	return nil
}

// copy moves the rest through a large buffer, which is given back while the
// client has no room.
func (d *download) copy() *Code {
	x := d.x
	for !d.done {
		if c := d.room(); c != nil {
			return c
		}
		relay := relays.Get().(*[]byte)
		c := d.step(*relay)
		relays.Put(relay)
		if c != nil {
			return c
		}
		x.bytes = d.count()
	}
	return nil
}

// room waits until the client takes more.
func (d *download) room() *Code {
	w := d.x.c.wire
	w.sending()
	if err := w.writable(); err != nil {
		return d.refused()
	}
	w.forever()
	return nil
}

// step moves one piece.
func (d *download) step(relay []byte) *Code {
	x := d.x
	x.wire.within(x.c.rt.limits.Rolling)
	n, err := x.wire.Read(relay)
	if n == 0 && err != nil {
		return d.ended(err)
	}
	x.wire.forever()
	kept, read, bad := d.walk(relay[:n])
	if read < n {
		d.clean = false // more than one answer
	}
	if c := d.write(relay[:kept]); c != nil {
		return c
	}
	if bad != nil {
		x.bytes = d.count()
		return h18
	}
	return nil
}

// ended is what the end of the dyno's connection within a body means.
func (d *download) ended(err error) *Code {
	x := d.x
	switch {
	case x.wire.late():
		return h15
	case x.wire.reason.Load() == reasonForced:
		return h24
	case x.wire.reason.Load() == reasonAbort:
		if x.stopUpload(); x.upload.code != nil {
			return x.upload.code
		}
		return h27
	case x.framing == bodyUntilClose && isEnd(err):
		d.done = true
		return nil
	}
	return h18
}

func (d *download) write(b []byte) *Code { return d.send(b, false) }

// send writes b. After the last of it nothing follows but the end of the connection.
func (d *download) send(b []byte, last bool) *Code {
	if len(b) == 0 {
		return nil
	}
	x := d.x
	x.c.wire.sending()
	x.started = true
	if _, err := x.c.wire.put(b, last); err != nil {
		return d.refused()
	}
	x.c.wire.forever()
	return nil
}

// refused is why the client takes no more.
func (d *download) refused() *Code {
	switch w := d.x.c.wire; {
	case w.late():
		return h28
	case w.reason.Load() == reasonForced:
		return h24
	}
	return h27
}
