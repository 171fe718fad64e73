package router

import (
	"sync/atomic"
	"time"
)

// upload is a request's body on its way to the dyno. When it is not wholly in
// the client's buffer it runs beside the response, in a goroutine of its own.
type upload struct {
	chunks  chunked
	left    int64   // of a body with a length
	taken   int     // bytes of the client's buffer that were used
	rest    []byte  // what the client sent after the body, when read beyond its buffer
	buffer  *[]byte // relay buffer
	running chan struct{}
	code    *Code // why it failed
	extra   string
	broken  bool // the dyno takes no more
	done    bool // all is sent

	stopping atomic.Bool // by the exchange, not by the client
	answered atomic.Bool // the dyno has begun to answer
	read     atomic.Bool // all is read from the client: only the dyno has to take it
}

// beginUpload takes what is in the client's buffer already. The result is to be sent
// with the head.
func (x *exchange) beginUpload() ([]byte, *Code) {
	u := &x.upload
	q := &x.req
	if !q.hasBody() {
		u.done = true
		return nil, nil
	}
	if q.chunked {
		u.chunks = chunked{}
	} else {
		u.left = q.length
	}
	data := x.c.in.data()[len(q.raw):]
	kept, read, err := u.walk(data)
	u.taken = read
	if err != nil {
		x.extra = causeChunk
		return nil, h26
	}
	return data[:kept], nil
}

// walk takes bytes of the body from b, as chunked.walk does.
func (u *upload) walk(b []byte) (kept, read int, err error) {
	if u.left > 0 {
		n := int(min(u.left, int64(len(b))))
		u.left -= int64(n)
		u.done = u.left == 0
		return n, n, nil
	}
	kept, read, err = u.chunks.walk(b)
	u.done = u.chunks.done()
	return kept, read, err
}

// startUpload sends the rest of the body beside the response.
func (x *exchange) startUpload() {
	x.upload.running = make(chan struct{})
	go x.runUpload()
}

func (x *exchange) runUpload() {
	u := &x.upload
	defer close(u.running)
	if err := x.copyUpload(); err != nil && !u.broken {
		x.wire.interrupt(reasonAbort)
	}
}

func (x *exchange) copyUpload() error {
	u, client, limits := &x.upload, x.c.wire, &x.c.rt.limits
	if u.left >= spliceFrom {
		if s := newSplicer(client, x.wire); s != nil {
			err := x.spliceUpload(s)
			s.free(err == nil)
			if err != nil {
				return err
			}
		}
	}
	for !u.done {
		buf, err := x.uploadRoom()
		if err != nil {
			u.code = x.clientCode()
			return err
		}
		to := len(buf)
		if u.left > 0 {
			to = int(min(u.left, int64(to)))
		}
		client.within(limits.Rolling)
		n, err := client.Read(buf[:to])
		if n == 0 && err != nil {
			u.code = x.clientCode()
			return err
		}
		client.forever()
		kept, read, err := u.walk(buf[:n])
		if err != nil {
			u.code, u.extra = h26, causeChunk
			return err
		}
		if read < n {
			u.rest = buf[read:n]
		}
		u.read.Store(u.done)
		if kept == 0 && !u.done {
			continue
		}
		x.wire.sending()
		if _, err := x.wire.Write(buf[:kept]); err != nil {
			u.broken = true
			return err
		}
		if last := u.chunks.last(); last != nil {
			if _, err := x.wire.Write(last); err != nil {
				u.broken = true
				return err
			}
		}
		x.wire.forever()
	}
	if u.answered.Load() {
		x.wire.within(limits.Rolling)
	} else {
		x.wire.within(limits.FirstByte)
	}
	return nil
}

// uploadRoom waits for more of the body before it takes a buffer for it.
func (x *exchange) uploadRoom() ([]byte, error) {
	if x.upload.buffer == nil {
		x.c.wire.within(x.c.rt.limits.Rolling)
		if err := x.c.wire.readable(); err != nil {
			return nil, err
		}
		x.upload.buffer = relays.Get().(*[]byte)
	}
	return *x.upload.buffer, nil
}

// spliceUpload moves a body of known length without looking at it.
func (x *exchange) spliceUpload(s *splicer) error {
	u, client := &x.upload, x.c.wire
	for u.left > 0 {
		client.within(x.c.rt.limits.Rolling)
		n, err := s.fill(u.left)
		if err != nil {
			u.code = x.clientCode()
			return err
		}
		client.forever()
		u.left -= int64(n)
		u.done = u.left == 0
		u.read.Store(u.done)
		x.wire.sending()
		if err := s.drain(n); err != nil {
			u.done, u.broken = false, true
			return err
		}
		x.wire.forever()
	}
	return nil
}

// clientCode is why no more of a body comes.
func (x *exchange) clientCode() *Code {
	switch {
	case x.upload.stopping.Load():
		return nil
	case x.c.wire.late():
		return h28
	case x.c.wire.reason.Load() == reasonForced:
		return h24
	}
	return h27
}

// uploading reports whether a body is still on its way.
func (x *exchange) uploading() bool {
	if x.upload.running == nil {
		return false
	}
	select {
	case <-x.upload.running:
		return false
	default:
		return true
	}
}

// handed is how long a goroutine may take to say that it has done all it had to.
const handed = time.Second

// stopUpload ends it; true when all of the body had been sent.
func (x *exchange) stopUpload() bool {
	u := &x.upload
	if u.running == nil {
		return u.done
	}
	if x.uploading() && u.read.Load() { // the dyno's answer was only faster than our goroutine
		select {
		case <-u.running:
		case <-time.After(handed):
		}
	}
	if x.uploading() {
		u.stopping.Store(true)
		_ = x.c.wire.SetReadDeadline(longAgo)
		x.wire.interrupt(reasonAbort)
		<-u.running
	}
	u.running = nil
	if !u.done {
		x.closing, x.c.lingers = true, true
		if x.c.wire.reason.Load() == 0 {
			_ = x.c.wire.SetReadDeadline(noDeadline)
		}
	}
	return u.done
}

func (u *upload) free() {
	if u.buffer != nil {
		relays.Put(u.buffer)
	}
	*u = upload{}
}
