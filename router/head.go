package router

import (
	"bytes"
)

// Limits of a request's head (Heroku's documentation of routing limits).
const (
	maxLine       = 8192 // a request line or a header line
	maxName       = 1000 // a header's name
	maxHeaders    = 1000
	maxMethod     = 127
	maxEmptyLines = 2 // before a request line
)

// refusal is a request that is answered without an app being asked.
type refusal struct {
	status int
	why    string
	cause  string // of the H26 line, where the app is known
}

var (
	refuseHead     = &refusal{400, "malformed request head", causeHeader}
	refuseLine     = &refusal{400, "malformed request line", causeHeader}
	refuseHeader   = &refusal{400, "malformed header", causeHeader}
	refuseHost     = &refusal{400, "missing, repeated or malformed Host", causeHeader}
	refuseLength   = &refusal{400, "malformed or contradictory Content-Length", causeHeader}
	refuseTransfer = &refusal{400, "malformed Transfer-Encoding", causeHeader}
	refuseCoding   = &refusal{501, "unknown transfer coding", causeHeader}
	refuseTarget   = &refusal{400, "malformed request target", causeHeader}
	refuseLongLine = &refusal{414, "request line too long", causeHeader}
	refuseLarge    = &refusal{431, "request head too large", causeHeader}
	refuseMethod   = &refusal{405, "method not allowed", causeHeader}
	refuseVersion  = &refusal{505, "HTTP version not supported", causeHeader}
	refuseSlow     = &refusal{408, "request head took too long", causeHeader}
	refuseExpect   = &refusal{417, "unsupported Expect", causeExpect}
	causeHeader    = "bad header"
	causeChunk     = "bad chunk"
	causeExpect    = "unsupported expect header value"
	headEnd        = []byte("\r\n\r\n")
	lineEnd        = []byte("\r\n")
	schemeHTTP     = []byte("http://")
	schemeHTTPS    = []byte("https://")
	version11      = []byte("HTTP/1.1")
	version10      = []byte("HTTP/1.0")
	versionHTTP    = []byte("HTTP/")
	tokenChunked   = []byte("chunked")
	tokenClose     = []byte("close")
	tokenKeep      = []byte("keep-alive")
	tokenUpgrade   = []byte("upgrade")
	tokenContinue  = []byte("100-continue")
	tokenH2C       = []byte("h2c")
	methodHEAD     = []byte("HEAD")
	methodGET      = []byte("GET")
	methodOPTIONS  = []byte("OPTIONS")
	methodCONNECT  = []byte("CONNECT")
	methodTRACE    = []byte("TRACE")
	methodPUT      = []byte("PUT")
	methodDELETE   = []byte("DELETE")
	asterisk       = []byte("*")
)

// span is a range of whole header lines that are passed on as they are.
type span struct{ from, to int }

// request is what the router needs of a request's head. Its slices lie in the
// client's buffer and are valid until the exchange ends.
type request struct {
	raw      []byte // the whole head, with the empty line
	method   []byte
	target   []byte // origin form, or "*"
	host     []byte // as the client sent it
	hostSeen bool
	minor    int        // HTTP/1.minor
	keep     []span     // of raw
	forward  []([]byte) // values of X-Forwarded-For
	via      []([]byte)
	id       []byte // the client's X-Request-Id, when it is valid
	cookie   []byte // the first Cookie line's value
	upgrade  []byte
	length   int64 // of the body; -1 when there is no Content-Length
	chunked  bool
	encoded  bool // there is a Transfer-Encoding
	closing  bool
	keeping  bool // Connection: keep-alive
	upgrades bool // Connection: upgrade
	expect   []byte
	wsKey    bool // Sec-WebSocket-Key is there
}

func (q *request) reset() {
	*q = request{keep: q.keep[:0], forward: q.forward[:0], via: q.via[:0], length: -1}
}

// hasBody reports whether bytes of a body follow the head.
func (q *request) hasBody() bool { return q.chunked || q.length > 0 }

// repeatable reports whether the request may be sent a second time when a dyno's
// kept-alive connection turns out to be closed: idempotent, and without a body.
func (q *request) repeatable() bool {
	if q.hasBody() || q.upgrade != nil {
		return false
	}
	return bytes.Equal(q.method, methodGET) || bytes.Equal(q.method, methodHEAD) || bytes.Equal(q.method, methodOPTIONS) ||
		bytes.Equal(q.method, methodPUT) || bytes.Equal(q.method, methodDELETE)
}

// parse reads a complete head, raw being all of it up to and with the empty
// line. It accepts exactly what RFC 9112 lets a server accept without guessing.
func (q *request) parse(raw []byte) *refusal {
	q.reset()
	q.raw = raw
	at := bytes.IndexByte(raw, '\n') + 1
	if why := q.parseLine(raw[:at]); why != nil {
		return why
	}
	lines := 0
	for at < len(raw)-2 {
		if lines++; lines > maxHeaders {
			return refuseLarge
		}
		next := at + bytes.IndexByte(raw[at:], '\n') + 1
		why := q.parseHeader(at, next)
		if why != nil {
			return why
		}
		at = next
	}
	return q.check()
}

func (q *request) parseLine(line []byte) *refusal {
	if len(line) > maxLine {
		return refuseLongLine
	}
	if line[len(line)-2] != '\r' {
		return refuseLine
	}
	line = line[:len(line)-2]
	first := bytes.IndexByte(line, ' ')
	last := bytes.LastIndexByte(line, ' ')
	if first <= 0 || last <= first+1 {
		return refuseLine
	}
	q.method, q.target = line[:first], line[first+1:last]
	version := line[last+1:]
	switch {
	case bytes.Equal(version, version11):
		q.minor = 1
	case bytes.Equal(version, version10):
	case len(version) == 8 && bytes.HasPrefix(version, versionHTTP) && digit(version[5]) && version[6] == '.' && digit(version[7]):
		return refuseVersion
	default:
		return refuseLine
	}
	if len(q.method) > maxMethod || !isToken(q.method) {
		return refuseLine
	}
	if bytes.Equal(q.method, methodCONNECT) || bytes.Equal(q.method, methodTRACE) {
		return refuseMethod
	}
	return q.parseTarget()
}

// parseTarget leaves the origin form in target; of an absolute form the host
// part is kept to be compared with Host.
func (q *request) parseTarget() *refusal {
	t := q.target
	if t[0] != '/' {
		if bytes.Equal(t, asterisk) && bytes.Equal(q.method, methodOPTIONS) {
			return nil
		}
		rest, ok := cutScheme(t)
		if !ok {
			return refuseTarget
		}
		end := bytes.IndexAny(rest, "/?#")
		if end < 0 {
			end = len(rest)
		}
		q.host, q.target = rest[:end], rest[end:]
		if len(q.target) == 0 {
			q.target = slash
		}
		if q.target[0] != '/' || !validHost(q.host) {
			return refuseTarget
		}
	}
	return checkTarget(q.target)
}

var slash = []byte("/")

func cutScheme(t []byte) ([]byte, bool) {
	for _, s := range [][]byte{schemeHTTP, schemeHTTPS} {
		if len(t) > len(s) && equalFold(t[:len(s)], s) {
			return t[len(s):], true
		}
	}
	return nil, false
}

// checkTarget refuses what no URL may hold. Bytes from 0x80 pass, as they do at
// Heroku: they cannot be mistaken for syntax.
func checkTarget(t []byte) *refusal {
	for i := 0; i < len(t); i++ {
		switch c := t[i]; {
		case c <= ' ' || c == 0x7f || c == '#':
			return refuseTarget
		case c == '%':
			if i+2 >= len(t) || unhex(t[i+1]) < 0 || unhex(t[i+2]) < 0 {
				return refuseTarget
			}
		}
	}
	return nil
}

// parseHeader reads the line raw[from:to] and decides whether it is passed on.
func (q *request) parseHeader(from, to int) *refusal {
	if to-from > maxLine {
		return refuseLarge
	}
	name, value, ok := cutHeader(q.raw[from:to])
	if !ok {
		return refuseHeader
	}
	if len(name) > maxName {
		return refuseLarge
	}
	keep, why := q.take(name, value)
	if keep {
		if n := len(q.keep); n > 0 && q.keep[n-1].to == from {
			q.keep[n-1].to = to
		} else {
			q.keep = append(q.keep, span{from, to})
		}
	}
	return why
}

// check decides what only the whole head tells.
func (q *request) check() *refusal {
	if !q.hostSeen || len(q.host) == 0 {
		return refuseHost
	}
	if q.encoded {
		if q.minor == 0 {
			return refuseTransfer
		}
		if q.length >= 0 { // the chunks count; such a client's connection is not trusted again
			q.length, q.closing = -1, true
		}
	}
	if q.minor == 0 && !q.keeping {
		q.closing = true
	}
	if q.expect != nil && (q.minor == 0 || !q.hasBody()) && equalFold(q.expect, tokenContinue) {
		q.expect = nil
	}
	if !q.upgrades || q.hasBody() || q.minor == 0 || hasToken(q.upgrade, tokenH2C) {
		q.upgrade = nil
	}
	return nil
}
