package router

import (
	"bytes"
	"strconv"
	"strings"

	"golang.org/x/net/http2/hpack"
)

// A request's header block becomes the text of an HTTP/1.1 head, which is then
// parsed as strictly as any client's. What is checked here is what only HTTP/2
// has, and what could make one line of text two.

const h2HeadMost = 4 * requestMax // of decoded fields; after that they are no longer looked at

// h2Head is a header block while it is decoded.
type h2Head struct {
	out      *buffer // the text
	cookie   []byte
	method   string
	scheme   string
	host     string // :authority, else Host
	path     string
	protocol string
	seen     uint8 // pseudo-header fields
	plain    bool  // a field without colon was there
	hosts    int
	length   int64 // -1: none
	size     int
	trailer  bool
	text     []byte // of trailers
	bad      string // why the request is malformed
}

// Pseudo-header fields.
const (
	seenMethod = 1 << iota
	seenScheme
	seenAuthority
	seenPath
	seenProtocol
)

func (h *h2Head) reset(trailer bool) {
	*h = h2Head{cookie: h.cookie[:0], length: -1, trailer: trailer}
	if !trailer {
		h.out = newBuffer()
	}
}

// put appends to the text. What is past the limit of a head is left out: such a
// request is refused for its length.
func (h *h2Head) put(parts ...string) {
	for _, p := range parts {
		if need := h.out.w + len(p); need > len(h.out.b) {
			if need > 2*requestMax {
				h.size = h2HeadMost + 1
				return
			}
			grown := make([]byte, min(2*need, 2*requestMax))
			copy(grown, h.out.b[:h.out.w])
			h.out.b = grown
		}
		h.out.w += copy(h.out.b[h.out.w:], p)
	}
}

// field takes one field, in the block's order.
func (h *h2Head) field(f hpack.HeaderField) {
	if h.size += len(f.Name) + len(f.Value) + 32; h.size > h2HeadMost {
		h.bad = "" // the text is too long in any case
		if h.trailer {
			h.bad = "a trailer that is too long"
		}
		return
	}
	if h.bad != "" {
		return
	}
	if strings.HasPrefix(f.Name, ":") {
		h.bad = h.pseudo(f)
		return
	}
	if !h.plain {
		h.plain = true
		if !h.trailer {
			h.bad = h.begin()
		}
	}
	if h.bad == "" {
		h.bad = h.regular(f.Name, f.Value)
	}
}

func (h *h2Head) pseudo(f hpack.HeaderField) string {
	var to *string
	var bit uint8
	switch f.Name {
	case ":method":
		to, bit = &h.method, seenMethod
	case ":scheme":
		to, bit = &h.scheme, seenScheme
	case ":authority":
		to, bit = &h.host, seenAuthority
	case ":path":
		to, bit = &h.path, seenPath
	case ":protocol":
		to, bit = &h.protocol, seenProtocol
	default:
		return "an unknown pseudo-header field"
	}
	switch {
	case h.trailer:
		return "a pseudo-header field in a trailer"
	case h.plain:
		return "a pseudo-header field after others"
	case h.seen&bit != 0:
		return "a pseudo-header field twice"
	case !inOneWord(f.Value):
		return "a pseudo-header field with a blank or control character"
	}
	h.seen |= bit
	*to = f.Value
	return ""
}

func inOneWord(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

// begin writes the request line, once all pseudo-header fields are known.
func (h *h2Head) begin() string {
	connect := h.method == "CONNECT"
	switch {
	case h.seen&seenMethod == 0 || !isToken([]byte(h.method)):
		return "no method, or a malformed one"
	case connect && h.seen&seenProtocol == 0:
		if h.seen&(seenScheme|seenPath) != 0 || h.host == "" {
			return "CONNECT with a scheme or a path, or to nowhere"
		}
		h.put("CONNECT ", h.host, " HTTP/1.1\r\n") // refused by the parser
		return ""
	case h.seen&seenProtocol != 0 && !connect:
		return "a protocol without CONNECT"
	case h.scheme != "http" && h.scheme != "https":
		return "no scheme, or an unknown one"
	case h.path == "" || h.path[0] != '/' && (h.path != "*" || h.method != "OPTIONS"):
		return "no path, or a malformed one"
	}
	method := h.method
	if h.tunnel() {
		method = "GET" // RFC 8441
	}
	h.put(method, " ", h.path, " HTTP/1.1\r\n")
	return ""
}

func (h *h2Head) tunnel() bool { return h.method == "CONNECT" && h.protocol == "websocket" }

// regular takes a field that is not about the request line.
func (h *h2Head) regular(name, value string) string {
	if !smallToken(name) || !lineValue(value) {
		return "a malformed field"
	}
	switch name {
	case "connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade":
		return "a field about connections"
	case "te":
		if value != "trailers" {
			return "TE that says more than trailers"
		}
	case "host":
		if h.hosts++; h.hosts > 1 || h.seen&seenAuthority != 0 && !strings.EqualFold(value, h.host) {
			return "a host twice"
		}
		if h.host == "" {
			h.host = value
		}
		return ""
	case "cookie":
		if !h.trailer {
			if len(h.cookie) > 0 {
				h.cookie = append(h.cookie, "; "...)
			}
			h.cookie = append(h.cookie, value...)
			return ""
		}
	case "content-length":
		if h.trailer {
			return "a length in a trailer"
		}
		n, ok := parseLength([]byte(value))
		if !ok || h.length >= 0 && h.length != n {
			return "a malformed or contradictory length"
		}
		h.length = n
		return ""
	}
	if h.trailer {
		h.text = append(append(append(append(h.text, name...), ": "...), value...), "\r\n"...)
		return ""
	}
	h.put(name, ": ", value, "\r\n")
	return ""
}

func smallToken(s string) bool {
	for i := 0; i < len(s); i++ {
		if classes[s[i]]&classToken == 0 || s[i] >= 'A' && s[i] <= 'Z' {
			return false
		}
	}
	return len(s) > 0
}

func lineValue(s string) bool {
	for i := 0; i < len(s); i++ {
		if classes[s[i]]&classValue == 0 {
			return false
		}
	}
	return s == "" || s[0] != ' ' && s[0] != '\t' && s[len(s)-1] != ' ' && s[len(s)-1] != '\t'
}

// finish writes the rest of the text. body is whether DATA frames may follow.
func (h *h2Head) finish(body bool) {
	if h.bad == "" && !h.plain {
		h.bad = h.begin()
	}
	if h.bad != "" {
		return
	}
	h.put("host: ", h.host, "\r\n")
	if len(h.cookie) > 0 {
		h.put("cookie: ", string(h.cookie), "\r\n")
	}
	switch {
	case h.tunnel():
		h.put("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n")
	case !body && h.length > 0:
		h.bad = "a length without a body"
		return
	case h.length >= 0:
		h.put("content-length: ", strconv.FormatInt(h.length, 10), "\r\n")
	case body:
		h.put("transfer-encoding: chunked\r\n")
	}
	h.put("\r\n")
	if h.size > h2HeadMost {
		h.overflow()
	}
}

// overflow makes the text one that has no end within the limit.
func (h *h2Head) overflow() {
	line := h.out.b[:bytes.IndexByte(h.out.b[:h.out.w], '\n')+1]
	text := append(append([]byte{}, line...), bytes.Repeat([]byte("x"), requestMax)...)
	h.out.b, h.out.w = text, len(text)
}

// drop gives the text's buffer back: there will be no request.
func (h *h2Head) drop() {
	if h.out != nil {
		h.out.free()
		h.out = nil
	}
}
