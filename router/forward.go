package router

import (
	"math/rand/v2"
	"strconv"
)

// Product word of Via, Heroku's.
const (
	viaWord = "heroku-router"
	viaLine = "Via: 1.1 " + viaWord + "\r\n"
)

// appendRequest writes the head that the dyno gets: the request line, the lines
// that pass, and the router's own.
func (x *exchange) appendRequest(b []byte) []byte {
	q := &x.req
	b = append(append(b, q.method...), ' ')
	b = append(append(b, q.target...), " HTTP/1.1\r\n"...)
	for _, s := range q.keep {
		b = append(b, q.raw[s.from:s.to]...)
	}
	switch {
	case q.chunked:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	case q.length >= 0:
		b = strconv.AppendInt(append(b, "Content-Length: "...), q.length, 10)
		b = append(b, "\r\n"...)
	}
	if q.upgrade != nil {
		b = append(append(append(b, "Connection: Upgrade\r\nUpgrade: "...), q.upgrade...), "\r\n"...)
	}
	b = x.appendForwarded(append(b, "X-Forwarded-For: "...), false)
	b = append(b, x.c.forwarded...)
	b = append(append(b, "X-Request-Id: "...), x.id...)
	b = strconv.AppendInt(append(b, "\r\nX-Request-Start: "...), x.began.UnixMilli(), 10)
	b = append(b, "\r\nVia: "...)
	for _, v := range q.via {
		b = append(append(b, v...), ", "...)
	}
	return append(append(b, x.c.via...), "\r\n\r\n"...)
}

// appendForwarded writes what the client said of who is before it, then the
// address that we saw: the last one is always ours.
func (x *exchange) appendForwarded(b []byte, escape bool) []byte {
	for _, f := range x.req.forward {
		if escape {
			b = appendEscaped(b, f)
		} else {
			b = append(b, f...)
		}
		b = append(b, ", "...)
	}
	return append(b, x.c.peer...)
}

// appendResponse writes the head that the client gets.
func (x *exchange) appendResponse(b []byte) []byte {
	p := &x.res
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(p.status), 10)
	b = append(append(append(b, ' '), p.reason...), "\r\n"...)
	for _, s := range p.keep {
		b = append(b, p.raw[s.from:s.to]...)
	}
	switch {
	case x.framing == bodyChunked && !x.bare():
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	case p.length >= 0 && p.status >= 200 && p.status != 204:
		b = strconv.AppendInt(append(b, "Content-Length: "...), p.length, 10)
		b = append(b, "\r\n"...)
	}
	switch {
	case p.status == 101:
		b = append(append(append(b, "Connection: Upgrade\r\nUpgrade: "...), p.upgrade...), "\r\n"...)
	case p.status < 200:
	case x.closing:
		b = append(b, "Connection: close\r\n"...)
	case x.req.minor == 0:
		b = append(b, "Connection: keep-alive\r\n"...)
	}
	if alternative := x.c.rt.alternative.Load(); alternative != nil && !x.c.plain && p.status >= 200 {
		b = append(b, *alternative...)
	}
	if x.view.Affinity && p.status >= 200 {
		b = x.appendAffinity(b)
	}
	return append(b, viaLine+"\r\n"...)
}

// bare reports whether the client gets bodies without chunks.
func (x *exchange) bare() bool { return x.req.minor == 0 || x.c.stream != nil }

// newID is a random uuid.
func newID(b []byte) []byte {
	hi, lo := rand.Uint64(), rand.Uint64()
	hi = hi&^0xf000 | 0x4000
	lo = lo&^(3<<62) | 2<<62
	for i := 60; i >= 0; i -= 4 {
		b = append(b, hexDigits[hi>>i&15])
		if i == 32 || i == 16 {
			b = append(b, '-')
		}
	}
	b = append(b, '-')
	for i := 60; i >= 0; i -= 4 {
		b = append(b, hexDigits[lo>>i&15])
		if i == 48 {
			b = append(b, '-')
		}
	}
	return b
}
