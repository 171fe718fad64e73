package router

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

var errCut = os.ErrDeadlineExceeded

// stream is one stream of HTTP/2 as a net.Conn that speaks HTTP/1.1.
type stream struct {
	session *session
	id      uint32
	conn    conn // that carries its one request
	wire    *wire
	tunnel  bool // extended CONNECT: bytes as they are
	head    bool // the request is HEAD
	gone    atomic.Bool

	// of who answers
	framed  framedBody
	begun   bool   // the response's head was written
	left    int64  // of a body with a length; -1: unknown
	partial []byte // of a head that came in parts
	trailer []byte // to be written at the end

	// under the session's lock
	moved    sync.Cond // something below has changed
	body     []byte    // received and not read
	held     int       // bytes of the connection's window that it takes up
	credit   int       // that the client was not yet told of
	room     int       // that the client may send
	window   int64     // that we may send
	expect   int64     // what must come of a body with a length; -1: unknown
	tail     []byte    // the client's trailers
	over     bool      // the client has ended
	closed   bool      // we have
	reset    bool      // either side gave it up
	cutRead  bool      // a deadline in the past
	cutWrite bool
}

// newStream makes a stream of a request's head.
func (s *session) newStream(id uint32, h *h2Head, end bool) *stream {
	st := &stream{session: s, id: id, tunnel: h.tunnel(), head: h.method == "HEAD", left: -1, room: h2StreamWindow, over: end, expect: h.length}
	st.framed.chunked = !end && h.length < 0 && !st.tunnel
	st.moved.L = &s.mu
	c := s.c
	st.conn = conn{rt: c.rt, in: h.out, peer: c.peer, forwarded: c.forwarded, sni: c.sni, stream: st, via: "2.0 " + viaWord, protocol: s.protocol}
	h.out = nil
	st.wire = c.rt.clock.newWire(st, nil)
	st.wire.stream = st
	st.conn.wire, st.conn.first = st.wire, lazyReader{w: st.wire}
	return st
}

// serve answers the stream's request.
func (st *stream) serve() {
	c := &st.conn
	c.wire.within(c.rt.limits.Head)
	x := newExchange(c)
	c.guard(x)
	whole := x.status != 0 && (x.code == nil || !x.started) && x.status != 499
	x.free()
	st.finish(whole)
	c.end()
}

// finish ends the stream, in good order or as broken off.
func (st *stream) finish(whole bool) {
	s := st.session
	st.wire.sending()
	s.mu.Lock()
	closed, reset, over := st.closed, st.reset || s.dead, st.over
	s.mu.Unlock()
	if reset {
		return
	}
	if whole = whole && st.begun; whole && !closed {
		var block []byte
		if len(st.trailer) > 0 {
			block, _ = appendHpackLines(nil, st.trailer)
		}
		whole = st.send(block, nil, true) == nil
	}
	switch {
	case !whole:
		s.reset(st.id, h2Internal)
	case !over: // the answer is whole: no more of the body is wanted
		s.mu.Lock()
		s.hush(st.id)
		s.mu.Unlock()
		s.say(appendReset(nil, st.id, h2No))
	}
}

// abort ends a stream that the other side has given up, or that it may not have.
func (st *stream) abort() {
	s := st.session
	s.mu.Lock()
	st.reset = true
	st.gone.Store(true)
	st.moved.Broadcast()
	s.mu.Unlock()
	st.wire.look()
}

// receive takes a part of the body; all is what it takes of the windows. The
// session's lock is held.
func (st *stream) receive(part []byte, all int, end bool) error {
	st.held += all
	if st.expect >= 0 {
		if st.expect -= int64(len(part)); st.expect < 0 || end && st.expect > 0 {
			return &h2Error{st.id, h2Protocol, "a body of another length than was said"}
		}
	}
	st.body = append(st.body, part...)
	if pad := all - len(part); pad > 0 { // is used already
		st.held -= pad
		st.session.credit += pad
		st.credit += pad
	}
	st.over = st.over || end
	st.moved.Broadcast()
	return nil
}

func (st *stream) forsaken() bool { return st.gone.Load() }

func (st *stream) trail(text []byte) { st.trailer = text }

// await waits until there is something to read. The session's lock is held.
func (st *stream) await() error {
	for len(st.body) == 0 {
		switch {
		case st.reset || st.session.dead:
			return errStreamGone
		case st.cutRead:
			return errCut
		case st.over:
			return io.EOF
		}
		st.moved.Wait()
	}
	return nil
}

// readable waits until there is something to read, or the end.
func (st *stream) readable() error {
	if len(st.framed.pending) > 0 {
		return nil
	}
	st.session.mu.Lock()
	defer st.session.mu.Unlock()
	if err := st.await(); !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// take moves a part of the body into p.
func (st *stream) take(p []byte) (int, error) {
	s := st.session
	s.mu.Lock()
	if err := st.await(); err != nil {
		s.mu.Unlock()
		return 0, err
	}
	n := copy(p, st.body)
	if st.body = st.body[n:]; len(st.body) == 0 {
		st.body = nil
	}
	st.held -= n
	s.mu.Unlock()
	s.used(st, n)
	return n, nil
}

// Read gives the body, in chunks when its length is not known.
func (st *stream) Read(p []byte) (int, error) { return st.framed.read(p, st.take, st.trailers) }

func (st *stream) trailers() []byte {
	st.session.mu.Lock()
	defer st.session.mu.Unlock()
	return st.tail
}

// Write takes the response as HTTP/1.1 text, without chunks.
func (st *stream) Write(p []byte) (int, error) {
	if st.begun {
		return len(p), st.pass(nil, p)
	}
	rest := p
	if len(st.partial) > 0 {
		rest = append(st.partial, p...)
	}
	for !st.begun {
		end := bytes.Index(rest, headEnd)
		if end < 0 {
			st.partial = bytes.Clone(rest)
			return len(p), nil
		}
		head := rest[:end+len(lineEnd)]
		rest = rest[end+len(headEnd):]
		status, _ := parseLength(head[9:12])
		if status == 101 && st.tunnel {
			status = 200
		}
		line := bytes.IndexByte(head, '\n') + 1
		block, length := appendHpackLines(appendHpackStatus(nil, int(status)), head[line:])
		if status < 200 {
			if err := st.send(block, nil, false); err != nil {
				return 0, err
			}
			continue
		}
		st.begun, st.left = true, length
		if st.head || status == 204 || status == 304 {
			st.left = 0
		}
		if err := st.pass(block, rest); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// pass sends a part of the response; the last one of a body with a length ends
// the stream.
func (st *stream) pass(block, body []byte) error {
	if st.left >= 0 {
		body = body[:min(st.left, int64(len(body)))]
		st.left -= int64(len(body))
	}
	if block == nil && len(body) == 0 {
		return nil
	}
	return st.send(block, body, st.left == 0)
}

// CloseWrite ends a tunnel in one direction.
func (st *stream) CloseWrite() error { return st.send(nil, nil, true) }

// Close leaves the end to finish.
func (st *stream) Close() error         { return nil }
func (st *stream) LocalAddr() net.Addr  { return st.session.c.wire.LocalAddr() }
func (st *stream) RemoteAddr() net.Addr { return st.session.c.wire.RemoteAddr() }

// SetDeadline knows the past and none.
func (st *stream) SetDeadline(t time.Time) error {
	return st.until(t, &st.cutRead, &st.cutWrite)
}

// SetReadDeadline is SetDeadline for Read.
func (st *stream) SetReadDeadline(t time.Time) error { return st.until(t, &st.cutRead) }

// SetWriteDeadline is SetDeadline for Write.
func (st *stream) SetWriteDeadline(t time.Time) error { return st.until(t, &st.cutWrite) }

func (st *stream) until(t time.Time, cuts ...*bool) error {
	st.session.mu.Lock()
	defer st.session.mu.Unlock()
	for _, cut := range cuts {
		*cut = !t.IsZero()
	}
	st.moved.Broadcast()
	return nil
}
