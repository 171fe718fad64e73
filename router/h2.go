package router

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2/hpack"
)

// HTTP/2 ends here (docs/decisions/0014-own-http2-framing.md): each stream becomes a connection that carries one
// HTTP/1.1 request, written and read by the same code as all others. So its
// rules, codes and lines are the same too. One goroutine reads the frames of a
// connection (this file), each stream has one that answers (h2stream.go), and who
// has something to say writes it (h2write.go).

// Limits of one HTTP/2 connection, against clients that make us work for nothing.
const (
	h2Streams      = 100  // at once
	h2Aborted      = 200  // streams that ended without an answer, per window of time
	h2Idle         = 1000 // frames that further no request, per window of time
	h2Window       = 10 * time.Second
	h2UpdateLeast  = 2048      // bytes of an answer for which an update of the stream's window, and of the connection's, is fair
	h2StreamWindow = 256 << 10 // bytes of a body that wait for a dyno
	h2ConnWindow   = 512 << 10 // of all of a connection's
	h2Continued    = 16        // frames that a header block may go on over
	h2TableSize    = 4096
)

// session is one HTTP/2 connection.
type session struct {
	c        *conn
	protocol string // end of its log lines

	// of the goroutine that reads
	head      [h2FrameHead]byte
	payload   []byte
	decoder   *hpack.Decoder
	fields    h2Head
	block     []byte // a header block that goes on
	blockHead h2Frame
	continued int
	settled   bool // the client's first SETTINGS came
	last      uint32
	aborted   budget
	idle      budget
	sent      atomic.Int64 // DATA frames to the client, for which it may answer with some of its own
	spare     chan *stream // to a goroutine that waits for a stream

	mu      sync.Mutex // of what follows, and of streams
	streams map[uint32]*stream
	quiet   map[uint32]struct{} // streams that we ended before the client did
	open    int                 // streams with a goroutine
	window  int64               // that we may send
	initial int64               // window of a new stream
	unread  int                 // bytes that the client has sent of the window it knows
	credit  int                 // of those, what it may send anew, and was not told of
	until   int64               // coarse time until which the connection may be idle
	writing bool
	dead    bool
	leaving time.Time // GOAWAY was said; zero: it was not
	ended   sync.WaitGroup

	write sync.Mutex // held by who writes
	out   []byte     // being written
	table bool       // the client has to be told that we use no table
}

// budget is how much may happen in a window of time.
type budget struct {
	since time.Time
	n     int
}

// spend reports whether n more is within most.
func (b *budget) spend(n, most int) bool {
	if now := time.Now(); now.Sub(b.since) > h2Window {
		b.since, b.n = now, 0
	}
	b.n = max(0, b.n+n)
	return b.n <= most
}

// serveHTTP2 carries streams until the connection ends.
func (c *conn) serveHTTP2(*tls.Conn) {
	defer c.end()
	s := &session{c: c, protocol: strings.Replace(c.protocol, "http1.1", "http2.0", 1), streams: map[uint32]*stream{}, quiet: map[uint32]struct{}{},
		window: h2WindowFirst, initial: h2WindowFirst, spare: make(chan *stream), table: true}
	s.decoder = hpack.NewDecoder(h2TableSize, s.fields.field)
	s.decoder.SetMaxStringLength(requestMax)
	c.session.Store(s)
	err := s.run()
	var fault *h2Error
	switch {
	case errors.As(err, &fault):
		s.say(appendGoAway(nil, s.last, fault.code, fault.why))
		c.lingers = true
	case c.wire.late():
		c.wire.revive()
		s.say(appendGoAway(nil, s.last, h2No, ""))
	}
	s.die()
	close(s.spare)
	s.ended.Wait()
}

// run reads frames until one of the two sides has had enough.
func (s *session) run() error {
	s.c.wire.within(s.c.rt.limits.Head)
	preface := make([]byte, len(h2Preface))
	if _, err := io.ReadFull(s.c.wire, preface); err != nil {
		return err
	}
	if string(preface) != h2Preface {
		return h2Fault(h2Protocol, "no preface of HTTP/2")
	}
	hello := appendFrameHead(nil, h2Settings, 0, 0, 4*6)
	hello = appendSetting(hello, settingStreams, h2Streams)
	hello = appendSetting(hello, settingWindow, h2StreamWindow)
	hello = appendSetting(hello, settingHeaderList, requestMax)
	hello = appendSetting(hello, settingConnect, 1)
	hello = appendWindow(hello, 0, h2ConnWindow-h2WindowFirst)
	s.say(hello)
	if s.c.rt.draining.Load() {
		s.leave()
	}
	s.rest()
	for {
		f, err := s.read()
		if err == nil {
			err = s.take(f)
		}
		var fault *h2Error
		switch {
		case err == nil:
		case errors.As(err, &fault) && fault.stream != 0:
			s.reset(fault.stream, fault.code)
			if !s.aborted.spend(1, h2Aborted) {
				return h2Fault(h2EnhanceYourCalm, "too many streams with errors")
			}
		default:
			return err
		}
	}
}

func (s *session) read() (*h2Frame, error) {
	if _, err := io.ReadFull(s.c.wire, s.head[:]); err != nil {
		return nil, err
	}
	n := int(s.head[0])<<16 | int(s.head[1])<<8 | int(s.head[2])
	f := &h2Frame{kind: s.head[3], flags: s.head[4], stream: binary.BigEndian.Uint32(s.head[5:]) & h2WindowMost}
	if n > h2FrameMost {
		return nil, h2Fault(h2FrameSize, "a frame larger than allowed")
	}
	if cap(s.payload) < n {
		s.payload = make([]byte, max(n, 512))
	}
	f.payload = s.payload[:n]
	_, err := io.ReadFull(s.c.wire, f.payload)
	return f, err
}

// take acts on one frame.
func (s *session) take(f *h2Frame) error {
	if s.continued > 0 && (f.kind != h2Continuation || f.stream != s.blockHead.stream) {
		return h2Fault(h2Protocol, "a frame within a header block")
	}
	if !s.settled && (f.kind != h2Settings || f.has(flagAck)) {
		return h2Fault(h2Protocol, "no SETTINGS after the preface")
	}
	switch f.kind {
	case h2Data:
		return s.takeData(f)
	case h2Headers:
		return s.takeHeaders(f)
	case h2Continuation:
		return s.takeContinuation(f)
	case h2Reset:
		return s.takeReset(f)
	case h2WindowUpdate:
		return s.takeWindow(f)
	case h2Push:
		return h2Fault(h2Protocol, "PUSH_PROMISE from a client")
	}
	if !s.idle.spend(1, h2Idle) {
		return h2Fault(h2EnhanceYourCalm, "too many frames without a request")
	}
	switch f.kind {
	case h2Settings:
		return s.takeSettings(f)
	case h2Priority:
		return s.takePriority(f)
	case h2Ping:
		return s.takePing(f)
	case h2GoAway:
		if f.stream != 0 {
			return h2Fault(h2Protocol, "GOAWAY on a stream")
		}
		if len(f.payload) < 8 {
			return h2Fault(h2FrameSize, "a GOAWAY of less than eight bytes")
		}
	}
	return nil // what is unknown is passed over
}

// takeData passes a part of a body on. All of it counts in the windows, also
// padding and what nobody waits for.
func (s *session) takeData(f *h2Frame) error {
	all := len(f.payload)
	if f.stream == 0 || f.stream > s.last {
		return h2Fault(h2Protocol, "DATA for a stream that never was")
	}
	if err := f.unpad(); err != nil {
		return err
	}
	useful := -1
	if len(f.payload) == 0 && !f.has(flagEndStream) {
		useful = 1
	}
	if !s.idle.spend(useful, h2Idle) {
		return h2Fault(h2EnhanceYourCalm, "too many empty frames")
	}
	s.mu.Lock()
	st := s.streams[f.stream]
	_, quiet := s.quiet[f.stream]
	if s.unread += all; s.unread > h2ConnWindow {
		s.mu.Unlock()
		return h2Fault(h2FlowControl, "more DATA than the window lets through")
	}
	if st == nil || st.reset || st.over {
		s.mu.Unlock()
		s.used(nil, all)
		if quiet || st != nil && st.reset {
			return nil
		}
		return &h2Error{f.stream, h2StreamClosed, "DATA after the end of a stream"}
	}
	defer s.mu.Unlock()
	if st.room -= all; st.room < 0 {
		return h2Fault(h2FlowControl, "more DATA than the window lets through")
	}
	return st.receive(f.payload, all, f.has(flagEndStream))
}

func (s *session) takeHeaders(f *h2Frame) error {
	if f.stream == 0 || f.stream%2 == 0 {
		return h2Fault(h2Protocol, "HEADERS on a stream that is no client's")
	}
	if err := f.unpad(); err != nil {
		return err
	}
	s.blockHead = *f
	if f.has(flagEndHeaders) {
		return s.decode(f.payload)
	}
	s.continued = 1
	s.block = append(s.block[:0], f.payload...)
	return nil
}

func (s *session) takeContinuation(f *h2Frame) error {
	if s.continued == 0 {
		return h2Fault(h2Protocol, "CONTINUATION of nothing")
	}
	s.block = append(s.block, f.payload...)
	if s.continued++; s.continued > h2Continued || len(s.block) > 2*requestMax {
		return h2Fault(h2EnhanceYourCalm, "a header block without end")
	}
	if !f.has(flagEndHeaders) {
		return nil
	}
	s.continued = 0
	block := s.block
	if s.block = nil; cap(block) <= h2FrameMost {
		s.block = block
	}
	return s.decode(block)
}

// decode reads a whole header block: of a new stream, or of a trailer. Even when
// nobody wants it it must be read, for later ones build on it.
func (s *session) decode(block []byte) error {
	id, end := s.blockHead.stream, s.blockHead.has(flagEndStream)
	s.mu.Lock()
	st := s.streams[id]
	_, quiet := s.quiet[id]
	closed, gone := st != nil && st.closed, st != nil && st.reset
	s.mu.Unlock()
	h := &s.fields
	h.reset(id <= s.last)
	_, err := s.decoder.Write(block)
	if err = errors.Join(err, s.decoder.Close()); err != nil {
		h.drop()
		return h2Fault(h2Compression, "a header block that cannot be decoded")
	}
	if id > s.last {
		s.last = id
		h.finish(!end)
		return s.begin(id, end)
	}
	switch {
	case quiet || gone:
		return nil
	case st == nil || st.over && closed:
		return h2Fault(h2StreamClosed, "HEADERS on a stream that has ended")
	case st.over:
		return &h2Error{id, h2StreamClosed, "HEADERS after the end of a stream"}
	case !end:
		return &h2Error{id, h2Protocol, "a trailer that does not end the stream"}
	case h.bad != "":
		return &h2Error{id, h2Protocol, h.bad}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st.tail = h.text
	return st.receive(nil, 0, true)
}

// begin starts a stream whose head has been decoded.
func (s *session) begin(id uint32, end bool) error {
	h := &s.fields
	if h.bad != "" {
		h.drop()
		return &h2Error{id, h2Protocol, h.bad}
	}
	s.mu.Lock()
	late := !s.leaving.IsZero() && time.Since(s.leaving) > s.c.rt.limits.Leave
	full := s.open >= h2Streams || late
	s.mu.Unlock()
	if full {
		h.drop()
		return &h2Error{id, h2Refused, "too many streams at once"}
	}
	st := s.newStream(id, h, end)
	s.mu.Lock()
	st.window = s.initial
	s.streams[id] = st
	s.open++
	s.timing()
	s.mu.Unlock()
	s.idle.spend(-1, h2Idle)
	select {
	case s.spare <- st:
	default:
		s.ended.Go(func() { s.answer(st) })
	}
	return nil
}

// answer carries one stream, and then the next one that comes while it waits:
// one goroutine of a connection does.
func (s *session) answer(st *stream) {
	for st != nil {
		st.serve()
		if !s.left(st) {
			return
		}
		st = <-s.spare
	}
}

// left forgets a stream. It reports whether no other is open.
func (s *session) left(st *stream) bool {
	s.mu.Lock()
	delete(s.streams, st.id)
	unread := st.held
	st.held = 0
	s.open--
	none := s.open == 0
	s.mu.Unlock()
	if unread > 0 {
		s.used(nil, unread)
	}
	if none {
		s.rest()
	}
	return none
}

// rest begins the time that the connection may be idle.
func (s *session) rest() {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.c.rt.limits.Idle
	if !s.leaving.IsZero() {
		d = s.c.rt.limits.Leave
	}
	s.until = s.c.rt.clock.after(d)
	s.timing()
}

// timing sets the deadline for what the connection waits for. The lock is held.
func (s *session) timing() {
	s.c.idle.Store(s.open == 0)
	switch w := s.c.wire; {
	case s.writing: // it is that of the write
	case s.open == 0:
		w.deadline.Store(s.until)
	default:
		w.deadline.Store(0)
	}
}

// part has the session leave, beside what it does. The connection is not closed
// before that has ended: its descriptor would be another's by then.
func (s *session) part() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.dead {
		s.ended.Go(s.leave)
	}
}

// leave asks the client to open no more streams.
func (s *session) leave() {
	s.mu.Lock()
	first := s.leaving.IsZero()
	if first {
		s.leaving = time.Now()
	}
	s.mu.Unlock()
	if first {
		s.say(appendGoAway(nil, h2WindowMost, h2No, ""))
		s.rest()
	}
}

// die ends all streams: the connection has.
func (s *session) die() {
	s.mu.Lock()
	s.dead = true
	var all []*stream
	for _, st := range s.streams {
		all = append(all, st)
	}
	s.mu.Unlock()
	for _, st := range all {
		st.abort()
	}
}
