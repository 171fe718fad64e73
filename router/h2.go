package router

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
)

// HTTP/2 ends here: each stream becomes a connection that carries one HTTP/1.1
// request, written and read by the same code as all others. So its rules, codes
// and lines are the same too.

// Limits of one HTTP/2 connection, against clients that open streams only to
// reset them.
const (
	h2Streams = 100 // at once
	h2Aborted = 200 // streams reset before their answer, per window
	h2Window  = 10 * time.Second
)

// http2Server is deprecated in favour of net/http's Server, whose Shutdown closes
// idle connections under requests that are on their way. This one only says
// GOAWAY to them.
type http2Server = http2.Server //nolint:staticcheck // see above

func (r *Router) newHTTP2() {
	r.h2 = &http2Server{MaxConcurrentStreams: h2Streams, MaxReadFrameSize: 16 << 10, IdleTimeout: r.limits.Idle} //nolint:staticcheck // see http2Server
	r.h2base = &http.Server{MaxHeaderBytes: requestMax, ErrorLog: slog.NewLogLogger(r.log.Handler(), slog.LevelDebug)}
	_ = http2.ConfigureServer(r.h2base, r.h2) //nolint:staticcheck // see http2Server; it fails for TLS settings only
}

// serveHTTP2 carries streams until the connection ends.
func (c *conn) serveHTTP2(t *tls.Conn) {
	defer c.end()
	c.wire.forever()
	guard := &abortGuard{trip: func() { _ = t.NetConn().Close() }}
	c.rt.h2.ServeConn(newH2Conn(t), &http2.ServeConnOpts{ //nolint:staticcheck // see http2Server
		BaseConfig: c.rt.h2base,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			if !c.serveStream(w, q, guard) {
				panic(http.ErrAbortHandler)
			}
		}),
	})
}

// abortGuard counts the streams that a client has given up.
type abortGuard struct {
	trip   func() // ends the connection
	since  atomic.Int64
	number atomic.Int64
}

func (g *abortGuard) count() {
	now := time.Now().UnixNano()
	if since := g.since.Load(); now-since > int64(h2Window) && g.since.CompareAndSwap(since, now) {
		g.number.Store(0)
	}
	if g.number.Add(1) > h2Aborted {
		g.trip()
	}
}

// serveStream answers one request; false when the answer could not be ended in
// good order.
func (c *conn) serveStream(w http.ResponseWriter, q *http.Request, guard *abortGuard) bool {
	s := &stream{conn: c, w: w, q: q, control: http.NewResponseController(w)}
	s.writeHead()
	wire := c.rt.clock.newWire(s, nil)
	wire.stream = s
	stop := context.AfterFunc(q.Context(), func() {
		s.gone.Store(true)
		wire.look()
		guard.count()
	})
	defer stop()
	one := &conn{rt: c.rt, wire: wire, first: lazyReader{w: wire}, peer: c.peer, forwarded: c.forwarded, sni: c.sni, stream: s,
		via: "2.0 " + viaWord, protocol: strings.Replace(c.protocol, "http1.1", "http2.0", 1)}
	defer one.end()
	if !one.wait() {
		return false
	}
	x := newExchange(one)
	one.guard(x)
	whole := x.status != 0 && (x.code == nil || !x.started) && x.status != 499
	x.free()
	return whole
}

// stream is a net.Conn over one HTTP/2 stream.
type stream struct {
	*conn
	w       http.ResponseWriter
	q       *http.Request
	control *http.ResponseController
	pending []byte // of the request, to be read first
	chunked bool   // the body's length is not known
	tunnel  bool   // extended CONNECT: bytes as they are
	read    bool   // the body's end was passed on
	head    []byte // of the response, until it is whole
	begun   bool   // its head was written
	left    int64  // of a body with a length
	gone    atomic.Bool
}

// writeHead puts the request into HTTP/1.1 words. The parser checks them as it
// does any client's.
func (s *stream) writeHead() {
	q := s.q
	b := &bytes.Buffer{}
	method := q.Method
	if protocol := q.Header.Get(":protocol"); method == http.MethodConnect && protocol == "websocket" {
		method, s.tunnel = http.MethodGet, true // RFC 8441
	}
	fmt.Fprintf(b, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, q.RequestURI, q.Host)
	for name, values := range q.Header {
		if strings.HasPrefix(name, ":") {
			continue
		}
		for _, v := range values {
			fmt.Fprintf(b, "%s: %s\r\n", name, v)
		}
	}
	switch {
	case s.tunnel:
		b.WriteString("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n")
	case q.ContentLength < 0:
		s.chunked = true
		b.WriteString("Transfer-Encoding: chunked\r\n")
	case q.ContentLength > 0 && q.Header.Get("Content-Length") == "":
		fmt.Fprintf(b, "Content-Length: %d\r\n", q.ContentLength)
	}
	b.WriteString("\r\n")
	s.pending = b.Bytes()
}

const chunkRoom = len("ffff\r\n") + len("\r\n")

// Read gives the head, then the body, in chunks when its length is not known.
func (s *stream) Read(p []byte) (int, error) {
	if len(s.pending) > 0 {
		n := copy(p, s.pending)
		s.pending = s.pending[n:]
		return n, nil
	}
	if !s.chunked {
		return s.q.Body.Read(p)
	}
	if s.read {
		return 0, io.EOF
	}
	part := make([]byte, min(max(len(p), 512), 16<<10))
	n, err := s.q.Body.Read(part[6 : len(part)-2])
	switch {
	case n > 0:
		copy(part, fmt.Sprintf("%04x\r\n", n))
		copy(part[6+n:], "\r\n")
		s.pending = part[:n+chunkRoom]
	case errors.Is(err, io.EOF):
		s.read, s.pending = true, []byte("0\r\n\r\n")
	case err != nil:
		return 0, err
	}
	n = copy(p, s.pending)
	s.pending = s.pending[n:]
	return n, nil
}

// Write takes the response as HTTP/1.1 text, without chunks.
func (s *stream) Write(p []byte) (int, error) {
	rest := p
	for !s.begun {
		s.head = append(s.head, rest...)
		end := bytes.Index(s.head, headEnd)
		if end < 0 {
			return len(p), nil
		}
		head := s.head[:end+len(headEnd)]
		rest = bytes.Clone(s.head[len(head):])
		s.begin(head)
		s.head = nil
	}
	if len(rest) > 0 {
		if _, err := s.w.Write(rest); err != nil {
			return 0, err
		}
	}
	if s.left -= int64(len(rest)); s.left != 0 {
		if err := s.control.Flush(); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// begin writes the head of a response, or of an interim one.
func (s *stream) begin(head []byte) {
	status, _ := strconv.Atoi(string(head[9:12]))
	header := s.w.Header()
	clear(header)
	s.left = -1
	lines := bytes.Split(head[:len(head)-len(headEnd)], lineEnd)
	for _, line := range lines[1:] {
		name, value, _ := bytes.Cut(line, []byte(":"))
		key := http.CanonicalHeaderKey(string(name))
		switch key {
		case "Connection", "Upgrade", "Sec-Websocket-Accept":
			continue
		case "Content-Length":
			s.left, _ = strconv.ParseInt(string(trim(value)), 10, 64)
		}
		header[key] = append(header[key], string(trim(value)))
	}
	if header["Date"] == nil {
		header["Date"] = nil // HTTP/2 adds none of its own
	}
	if s.rt.draining.Load() {
		header.Set("Connection", "close") // makes the last stream of this connection
	}
	if status == 101 && s.tunnel {
		status = 200
	}
	s.begun = status >= 200
	s.w.WriteHeader(status)
}

// trailers sends header lines after the body.
func (s *stream) trailers(lines []byte) {
	for line := range bytes.SplitSeq(bytes.TrimSuffix(lines, lineEnd), lineEnd) {
		if name, value, ok := bytes.Cut(line, []byte(":")); ok {
			s.w.Header().Add(http.TrailerPrefix+string(name), string(trim(value)))
		}
	}
}

// CloseWrite is the end of a tunnel: the stream cannot end in one direction only.
func (s *stream) CloseWrite() error { return s.control.SetReadDeadline(longAgo) }

func (s *stream) Close() error         { return nil }
func (s *stream) LocalAddr() net.Addr  { return s.wire.LocalAddr() }
func (s *stream) RemoteAddr() net.Addr { return s.wire.RemoteAddr() }

func (s *stream) SetDeadline(t time.Time) error {
	return errors.Join(s.control.SetReadDeadline(t), s.control.SetWriteDeadline(t))
}
func (s *stream) SetReadDeadline(t time.Time) error  { return s.control.SetReadDeadline(t) }
func (s *stream) SetWriteDeadline(t time.Time) error { return s.control.SetWriteDeadline(t) }
