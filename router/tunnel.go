package router

// runTunnel joins client and dyno after an Upgrade that the dyno has agreed to:
// bytes pass as they are until both sides have ended, or until nothing has
// passed for 55 s.
func (x *exchange) runTunnel() *Code {
	x.app.tunnels.Add(1)
	x.app.active.Add(-1)
	x.dyno.tunnel.Add(1)
	x.active, x.tunnel = false, true
	x.status, x.closing, x.started = 101, true, true
	x.out = x.appendResponse(x.blank())
	x.up.skip(len(x.res.raw))
	x.out = append(x.out, x.up.data()...)
	x.up.skip(x.up.w - x.up.r)
	x.c.wire.sending()
	if _, err := x.c.wire.Write(x.out); err != nil {
		return h27
	}
	if rest := x.c.in.data()[len(x.req.raw):]; len(rest) > 0 {
		if _, err := x.wire.Write(rest); err != nil {
			return h18
		}
		x.upload.taken = len(rest)
	}
	x.slim()
	x.touch()
	if c := x.c; c.stream == nil {
		c.handed = true
		c.rt.workers.Add(1)
		go c.carry(x)
		return nil
	}
	return x.pass()
}

// carry is the rest of a connection that has become a tunnel, in a goroutine with
// a small stack: the one that served the request has grown, and is of use to others.
func (c *conn) carry(x *exchange) {
	defer c.rt.workers.Add(-1)
	defer c.end()
	if code := x.pass(); code != nil {
		x.fail(code)
	}
	x.release()
	x.log()
	x.end()
	x.free()
}

// pass moves bytes in both directions until the tunnel ends.
func (x *exchange) pass() *Code {
	up := make(chan bool, 1)
	go func() { up <- x.pour(x.wire, x.c.wire, nil) }()
	down := x.pour(x.c.wire, x.wire, &x.bytes)
	if !down {
		x.wire.interrupt(reasonAbort)
		x.c.wire.interrupt(reasonAbort)
	}
	whole := <-up && down
	switch {
	case whole:
		return nil
	case x.wire.late() || x.c.wire.late():
		return h15
	case x.wire.reason.Load() == reasonForced || x.c.wire.reason.Load() == reasonForced:
		return h24
	}
	return nil
}

// touch starts the rolling window of both sides anew.
func (x *exchange) touch() {
	x.wire.within(x.c.rt.limits.Rolling)
	x.c.wire.within(x.c.rt.limits.Rolling)
}

// slim gives back what a tunnel does not need for its hours: all buffers. What
// the line at its end will say is copied.
func (x *exchange) slim() {
	q := &x.req
	var kept []byte
	keep := func(s []byte) []byte {
		from := len(kept)
		kept = append(kept, s...)
		return kept[from:len(kept):len(kept)]
	}
	slices := append([][]byte(nil), q.forward...)
	method, target, host := q.method, q.target, q.host
	q.reset()
	q.method, q.target, q.host, q.closing = keep(method), keep(target), keep(host), true
	for _, f := range slices {
		q.forward = append(q.forward, keep(f))
	}
	x.c.in.free()
	x.up.free()
	x.vacate()
	x.c.in, x.up = nil, nil
	q.keep, q.via, x.res = nil, nil, response{}
}

// pour copies one direction; true when the source ended in good order, which is
// passed on as such.
func (x *exchange) pour(to, from *wire, count *int64) bool {
	in := lazyReader{w: from}
	for {
		b, err := in.read()
		if err != nil {
			end, ok := to.Conn.(interface{ CloseWrite() error })
			if isEnd(err) && ok {
				return end.CloseWrite() == nil
			}
			to.interrupt(reasonAbort)
			return false
		}
		x.touch()
		n, err := to.Write(b.data())
		b.free()
		if err != nil {
			from.interrupt(reasonAbort)
			return false
		}
		if count != nil {
			*count += int64(n)
		}
	}
}
