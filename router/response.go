package router

import "bytes"

// Limits of a response's head (Heroku's documentation of routing limits).
const (
	maxStatusLine   = 8192
	maxCookie       = 8192
	maxResponseLine = 512 << 10
)

// badResponse says what is wrong with a dyno's answer: H17 when it is no HTTP,
// H25 when it breaks a limit.
type badResponse struct {
	code  *Code
	extra string // of H25's desc
}

// response is what the router needs of a response's head. Its slices lie in the
// dyno's buffer.
type response struct {
	raw      []byte
	status   int
	minor    int
	reason   []byte
	keep     []span
	length   int64 // -1: none
	chunked  bool
	closing  bool
	keeping  bool
	upgrades bool
	upgrade  []byte
}

func (p *response) parse(raw []byte) *badResponse {
	*p = response{raw: raw, keep: p.keep[:0], length: -1}
	at := bytes.IndexByte(raw, '\n') + 1
	if bad := p.parseLine(raw[:at]); bad != nil {
		return bad
	}
	for at < len(raw)-2 {
		next := at + bytes.IndexByte(raw[at:], '\n') + 1
		if bad := p.parseHeader(at, next); bad != nil {
			return bad
		}
		at = next
	}
	if p.chunked && p.length >= 0 {
		return &badResponse{h25, "invalid content length"}
	}
	if p.minor == 0 && !p.keeping {
		p.closing = true
	}
	return nil
}

var malformed = &badResponse{code: h17}

// parseLine wants "HTTP/1.1 200 reason"; without the second blank Heroku calls
// it poorly formatted.
func (p *response) parseLine(line []byte) *badResponse {
	if len(line) > maxStatusLine {
		return &badResponse{h25, "oversized status line"}
	}
	if len(line) < len("HTTP/1.1 200 \r\n") || line[len(line)-2] != '\r' || line[8] != ' ' || line[12] != ' ' {
		return malformed
	}
	switch {
	case bytes.HasPrefix(line, version11):
		p.minor = 1
	case !bytes.HasPrefix(line, version10):
		return malformed
	}
	status, ok := parseLength(line[9:12])
	p.status, p.reason = int(status), line[13:len(line)-2]
	if !ok || status < 100 || status > 599 || !all(p.reason, classValue) {
		return malformed
	}
	return nil
}

func (p *response) parseHeader(from, to int) *badResponse {
	if to-from > maxResponseLine {
		return &badResponse{h25, "oversized header"}
	}
	name, value, ok := cutHeader(p.raw[from:to])
	if !ok {
		return malformed
	}
	keep, bad := p.take(name, value)
	if keep {
		if n := len(p.keep); n > 0 && p.keep[n-1].to == from {
			p.keep[n-1].to = to
		} else {
			p.keep = append(p.keep, span{from, to})
		}
	}
	return bad
}

// take looks at one header of a response, as request.take does.
func (p *response) take(name, value []byte) (bool, *badResponse) {
	switch len(name) {
	case 7:
		if equalFold(name, []byte("upgrade")) {
			p.upgrade = value
			return false, nil
		}
	case 10:
		switch {
		case equalFold(name, []byte("connection")):
			p.closing = p.closing || hasToken(value, tokenClose)
			p.keeping = p.keeping || hasToken(value, tokenKeep)
			p.upgrades = p.upgrades || hasToken(value, tokenUpgrade)
			return false, nil
		case equalFold(name, []byte("keep-alive")):
			return false, nil
		case equalFold(name, []byte("set-cookie")) && len(value) > maxCookie:
			return false, &badResponse{h25, "oversized cookie"}
		}
	case 14:
		if equalFold(name, []byte("content-length")) {
			n, ok := parseLength(value)
			if !ok || p.length >= 0 && p.length != n {
				return false, &badResponse{h25, "invalid content length"}
			}
			p.length = n
			return false, nil
		}
	case 16:
		if equalFold(name, []byte("proxy-connection")) {
			return false, nil
		}
	case 17:
		if equalFold(name, []byte("transfer-encoding")) {
			if p.chunked || !equalFold(value, tokenChunked) {
				return false, malformed
			}
			p.chunked = true
			return false, nil
		}
	}
	return true, nil
}

// bodiless reports whether no body follows, whatever the headers say.
func (p *response) bodiless(head bool) bool {
	return head || p.status < 200 || p.status == 204 || p.status == 304
}
