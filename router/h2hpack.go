package router

import (
	"bytes"
	"strconv"
)

// Responses' heads are written without HPACK's dynamic table: names by their
// place in the static one, values as they are. So a head depends on none before
// it, and needs no lock.

// hpackNames are places of names in the static table (RFC 7541, appendix A).
var hpackNames = map[string]byte{
	"accept-ranges": 18, "access-control-allow-origin": 20, "age": 21, "allow": 22, "cache-control": 24, "content-disposition": 25,
	"content-encoding": 26, "content-language": 27, "content-length": 28, "content-location": 29, "content-range": 30, "content-type": 31,
	"date": 33, "etag": 34, "expires": 36, "last-modified": 44, "link": 45, "location": 46, "refresh": 52, "retry-after": 53, "server": 54,
	"set-cookie": 55, "strict-transport-security": 56, "vary": 59, "via": 60, "www-authenticate": 61,
}

// hpackStatus are places of whole fields.
var hpackStatus = map[int]byte{200: 8, 204: 9, 206: 10, 304: 11, 400: 12, 404: 13, 500: 14}

const (
	hpackIndexed   = 0x80
	hpackLiteral   = 0x00 // not to be indexed
	hpackNever     = 0x10 // nor by anyone after us
	hpackTableNone = 0x20 // the dynamic table's size becomes 0
)

// appendHpackInt writes n after a prefix of bits bits.
func appendHpackInt(b []byte, prefix byte, bits uint, n int) []byte {
	most := 1<<bits - 1
	if n < most {
		return append(b, prefix|byte(n))
	}
	b = append(b, prefix|byte(most))
	for n -= most; n >= 128; n >>= 7 {
		b = append(b, byte(n)|128)
	}
	return append(b, byte(n))
}

func appendHpackString(b, s []byte) []byte {
	return append(appendHpackInt(b, 0, 7, len(s)), s...)
}

func appendHpackStatus(b []byte, status int) []byte {
	if place, ok := hpackStatus[status]; ok {
		return append(b, hpackIndexed|place)
	}
	return strconv.AppendInt(append(b, hpackLiteral|8, 3), int64(status), 10)
}

// appendHpackField writes a field; the name's letters become small.
func appendHpackField(b, name, value []byte) []byte {
	var room [64]byte
	small := room[:0]
	for _, c := range name {
		small = append(small, lower(c))
	}
	how := byte(hpackLiteral)
	if string(small) == "set-cookie" {
		how = hpackNever
	}
	if place, ok := hpackNames[string(small)]; ok {
		b = appendHpackInt(b, how, 4, int(place))
	} else {
		b = appendHpackString(append(b, how), small)
	}
	return appendHpackString(b, value)
}

// appendHpackLines writes the lines of an HTTP/1.1 head but for the first, and
// those that mean nothing here. length is that of Content-Length, else -1.
func appendHpackLines(b, lines []byte) (block []byte, length int64) {
	length = -1
	for len(lines) > 0 {
		end := bytes.IndexByte(lines, '\n')
		line := lines[:end-1]
		lines = lines[end+1:]
		colon := bytes.IndexByte(line, ':')
		if colon < 0 {
			continue // the empty one
		}
		name, value := line[:colon], trim(line[colon+1:])
		switch len(name) {
		case 7, 10, 16, 17, 20:
			if h1Only(name) {
				continue
			}
		case 14:
			if equalFold(name, []byte("content-length")) {
				length, _ = parseLength(value)
			}
		}
		b = appendHpackField(b, name, value)
	}
	return b, length
}

// h1Only reports whether a field is about a connection of HTTP/1.1.
func h1Only(name []byte) bool {
	for _, n := range [...]string{"upgrade", "connection", "keep-alive", "proxy-connection", "transfer-encoding", "sec-websocket-accept"} {
		if equalFold(name, []byte(n)) {
			return true
		}
	}
	return false
}
