package router

import (
	"bytes"
	"net"
	"net/http"
	"time"
)

// h3stream is one request of HTTP/3 as a net.Conn that speaks HTTP/1.1.
type h3stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	request *http.Request
	body    framedBody
	tunnel  bool   // extended CONNECT: bytes as they are
	begun   bool   // the response's head was passed on
	left    int64  // of a body with a length; -1: unknown
	partial []byte // of a head that came in parts
}

// Read gives the body, in chunks when its length is not known.
func (st *h3stream) Read(p []byte) (int, error) {
	return st.body.read(p, st.request.Body.Read, st.trailers)
}

func (st *h3stream) trailers() []byte {
	var text bytes.Buffer
	for name, values := range st.request.Trailer {
		for _, value := range values {
			if lineValue(value) {
				text.WriteString(name + ": " + value + "\r\n")
			}
		}
	}
	return text.Bytes()
}

// Write takes the response as HTTP/1.1 text, without chunks.
func (st *h3stream) Write(p []byte) (int, error) {
	rest := p
	if !st.begun && len(st.partial) > 0 {
		rest = append(st.partial, p...)
	}
	for !st.begun {
		end := bytes.Index(rest, headEnd)
		if end < 0 {
			st.partial = bytes.Clone(rest)
			return len(p), nil
		}
		st.head(rest[:end+len(lineEnd)])
		rest = rest[end+len(headEnd):]
	}
	if st.left >= 0 {
		rest = rest[:min(st.left, int64(len(rest)))]
		st.left -= int64(len(rest))
	}
	if len(rest) > 0 {
		if _, err := st.w.Write(rest); err != nil {
			return 0, err
		}
	}
	if st.left == 0 { // it ends soon, in one packet
		return len(p), nil
	}
	return len(p), st.control.Flush()
}

// head passes on a head of an answer.
func (st *h3stream) head(text []byte) {
	status, _ := parseLength(text[9:12])
	if st.tunnel && status == http.StatusSwitchingProtocols {
		status = http.StatusOK
	}
	header := st.w.Header()
	header["Date"], header["Content-Type"] = nil, nil // else the library would make them up
	for line := range bytes.Lines(text[bytes.IndexByte(text, '\n')+1:]) {
		name, value, ok := cutHeader(line)
		if !ok || h1Only(name) {
			continue
		}
		key := http.CanonicalHeaderKey(string(name))
		header[key] = append(header[key], string(value))
		if key == "Content-Length" {
			st.left, _ = parseLength(value)
		}
	}
	st.w.WriteHeader(int(status))
	if status < 200 {
		clear(header)
		return
	}
	st.begun = true
	if st.request.Method == http.MethodHead || status == 204 || status == 304 {
		st.left = 0
	}
}

func (st *h3stream) trail(text []byte) {
	for line := range bytes.Lines(text) {
		if name, value, ok := cutHeader(line); ok {
			st.w.Header().Add(http.TrailerPrefix+http.CanonicalHeaderKey(string(name)), string(value))
		}
	}
}

func (st *h3stream) readable() error { return nil }
func (st *h3stream) writable() error { return nil }
func (st *h3stream) forsaken() bool  { return st.request.Context().Err() != nil }

// CloseWrite ends a tunnel whose dyno has ended its side: the library ends ours once the handler
// has returned, for which nothing may be left to read.
func (st *h3stream) CloseWrite() error { return st.request.Body.Close() }

// Close leaves the end to the library.
func (st *h3stream) Close() error { return nil }

// LocalAddr is the listener's.
func (st *h3stream) LocalAddr() net.Addr {
	a, _ := st.request.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return a
}

// RemoteAddr is the client's.
func (st *h3stream) RemoteAddr() net.Addr { return stringAddr(st.request.RemoteAddr) }

type stringAddr string

func (a stringAddr) Network() string { return "udp" }
func (a stringAddr) String() string  { return string(a) }

// SetDeadline is that of net.Conn.
func (st *h3stream) SetDeadline(t time.Time) error {
	_ = st.SetReadDeadline(t)
	return st.SetWriteDeadline(t)
}

// SetReadDeadline is that of net.Conn.
func (st *h3stream) SetReadDeadline(t time.Time) error { return st.control.SetReadDeadline(t) }

// SetWriteDeadline is that of net.Conn.
func (st *h3stream) SetWriteDeadline(t time.Time) error { return st.control.SetWriteDeadline(t) }
