// Package hostile is a corpus of raw HTTP/1.1 requests with which a proxy can be
// tried: those that must not reach what is behind it, and legal ones that look odd
// or try to say something in the proxy's name. The router's tests hold it to all
// of them; bench/router compares it with others.
package hostile

import "strings"

// Host is the header that all requests have that do not break a rule about it.
const Host = "Host: demo.test\r\n"

const host = Host

// Plain is a request that has nothing to hide.
const Plain = "GET /p HTTP/1.1\r\nHost: demo.test\r\n\r\n"

// Head is a request whose head breaks a rule.
type Head struct {
	Name, Text string
	Status     string // answers that are right
}

// Heads must be refused: what is behind the proxy sees nothing of them.
var Heads = []Head{
	{"NUL in a header", "GET / HTTP/1.1\r\n" + host + "A: b\x00c\r\n\r\n", "400"},
	{"bare CR in a header", "GET / HTTP/1.1\r\n" + host + "A: b\rc\r\n\r\n", "400"},
	{"bare CR in the target", "GET /\r HTTP/1.1\r\n" + host + "\r\n", "400"},
	{"control in a header", "GET / HTTP/1.1\r\n" + host + "A: \x01\r\n\r\n", "400"},
	{"DEL in a header", "GET / HTTP/1.1\r\n" + host + "A: \x7f\r\n\r\n", "400"},
	{"bare LF ends", "GET / HTTP/1.1\nHost: demo.test\n\n", "400"},
	{"bare LF after a header", "GET / HTTP/1.1\r\n" + host + "A: b\nC: d\r\n\r\n", "400"},
	{"bare LF before the empty line", "GET / HTTP/1.1\r\nHost: demo.test\n\r\n", "400"},
	{"folded header", "GET / HTTP/1.1\r\n" + host + "A: b\r\n c\r\n\r\n", "400"},
	{"folded host", "GET / HTTP/1.1\r\nHost:\r\n demo.test\r\n\r\n", "400"},
	{"folded first header", "GET / HTTP/1.1\r\n " + host + "\r\n", "400"},
	{"blank before the colon", "GET / HTTP/1.1\r\n" + host + "A : b\r\n\r\n", "400"},
	{"tab before the colon", "POST / HTTP/1.1\r\n" + host + "Content-Length\t: 3\r\n\r\nabc", "400"},
	{"no colon", "GET / HTTP/1.1\r\n" + host + "nonsense\r\n\r\n", "400"},
	{"empty name", "GET / HTTP/1.1\r\n" + host + ": x\r\n\r\n", "400"},
	{"bracket in a name", "GET / HTTP/1.1\r\n" + host + "A[b]: x\r\n\r\n", "400"},
	{"byte over 0x7f in a name", "GET / HTTP/1.1\r\n" + host + "\xc3\xa4: x\r\n\r\n", "400"},
	{"no host", "GET / HTTP/1.1\r\n\r\n", "400"},
	{"no host in 1.0", "GET / HTTP/1.0\r\n\r\n", "400"},
	{"empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", "400"},
	{"two hosts", "GET / HTTP/1.1\r\n" + host + "Host: other.test\r\n\r\n", "400"},
	{"two equal hosts", "GET / HTTP/1.1\r\n" + host + host + "\r\n", "400"},
	{"host with user", "GET / HTTP/1.1\r\nHost: demo.test@evil\r\n\r\n", "400"},
	{"host with path", "GET / HTTP/1.1\r\nHost: demo.test/x\r\n\r\n", "400"},
	{"host with comma", "GET / HTTP/1.1\r\nHost: demo.test,evil\r\n\r\n", "400"},
	{"host with blank", "GET / HTTP/1.1\r\nHost: demo.test evil\r\n\r\n", "400"},
	{"host with bad port", "GET / HTTP/1.1\r\nHost: demo.test:80x\r\n\r\n", "400"},
	{"absolute form of another host", "GET http://other.test/ HTTP/1.1\r\n" + host + "\r\n", "400"},
	{"absolute form with user", "GET http://a@demo.test/ HTTP/1.1\r\n" + host + "\r\n", "400"},
	{"strange scheme", "GET gopher://demo.test/ HTTP/1.1\r\n" + host + "\r\n", "400"},
	{"target without slash", "GET x HTTP/1.1\r\n" + host + "\r\n", "400"},
	{"asterisk of a GET", "GET * HTTP/1.1\r\n" + host + "\r\n", "400"},
	{"blank in the target", "GET /a b HTTP/1.1\r\n" + host + "\r\n", "400"},
	{"two blanks", "GET  / HTTP/1.1\r\n" + host + "\r\n", "400"},
	{"tab as blank", "GET\t/\tHTTP/1.1\r\n" + host + "\r\n", "400"},
	{"blank before the method", " GET / HTTP/1.1\r\n" + host + "\r\n", "400"},
	{"blank after the version", "GET / HTTP/1.1 \r\n" + host + "\r\n", "400"},
	{"fragment", "GET /a#b HTTP/1.1\r\n" + host + "\r\n", "400"},
	{"bad escape", "GET /%zz HTTP/1.1\r\n" + host + "\r\n", "400"},
	{"half an escape", "GET /%4 HTTP/1.1\r\n" + host + "\r\n", "400"},
	{"HTTP/0.9", "GET /\r\n\r\n", "400"},
	{"HTTP/1.2", "GET / HTTP/1.2\r\n" + host + "\r\n", "505"},
	{"HTTP/2.0", "GET / HTTP/2.0\r\n" + host + "\r\n", "505"},
	{"preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"},
	{"long version", "GET / HTTP/1.10\r\n" + host + "\r\n", "400"},
	{"lower-case version", "GET / http/1.1\r\n" + host + "\r\n", "400"},
	{"CONNECT", "CONNECT demo.test:443 HTTP/1.1\r\n" + host + "\r\n", "405"},
	{"TRACE", "TRACE / HTTP/1.1\r\n" + host + "\r\n", "405"},
	{"method with a slash", "G/T / HTTP/1.1\r\n" + host + "\r\n", "400"},
	{"long method", strings.Repeat("A", 128) + " / HTTP/1.1\r\n" + host + "\r\n", "400"},
	{"long request line", "GET /" + strings.Repeat("a", 8192) + " HTTP/1.1\r\n" + host + "\r\n", "414"},
	{"long header line", "GET / HTTP/1.1\r\n" + host + "A: " + strings.Repeat("a", 8192) + "\r\n\r\n", "431"},
	{"long header name", "GET / HTTP/1.1\r\n" + host + strings.Repeat("a", 1001) + ": b\r\n\r\n", "431"},
	{"1001 headers", "GET / HTTP/1.1\r\n" + host + strings.Repeat("A: b\r\n", 1001) + "\r\n", "431"},
	{"large head", "GET / HTTP/1.1\r\n" + host + strings.Repeat("A: "+strings.Repeat("b", 1000)+"\r\n", 70) + "\r\n", "431"},
	{"differing lengths", "POST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "400"},
	{"list of lengths", "POST / HTTP/1.1\r\n" + host + "Content-Length: 3, 3\r\n\r\nabc", "400"},
	{"length with plus", "POST / HTTP/1.1\r\n" + host + "Content-Length: +3\r\n\r\nabc", "400"},
	{"length with minus", "POST / HTTP/1.1\r\n" + host + "Content-Length: -3\r\n\r\nabc", "400"},
	{"length in hex", "POST / HTTP/1.1\r\n" + host + "Content-Length: 0x3\r\n\r\nabc", "400"},
	{"length with blank", "POST / HTTP/1.1\r\n" + host + "Content-Length: 3 3\r\n\r\nabc", "400"},
	{"empty length", "POST / HTTP/1.1\r\n" + host + "Content-Length:\r\n\r\nabc", "400"},
	{"huge length", "POST / HTTP/1.1\r\n" + host + "Content-Length: 99999999999999999999\r\n\r\nabc", "400"},
	{"coding xchunked", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "400 501"},
	{"coding in quotes", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", "400 501"},
	{"coding with vertical tab", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", "400"},
	{"coding twice", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
	{"coding identity then chunked", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n", "400 501"},
	{"coding chunked, gzip", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", "400 501"},
	{"coding gzip", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n", "400 501"},
	{"empty coding", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding:\r\n\r\n0\r\n\r\n", "400 501"},
	{"empty coding with length", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding:\r\nContent-Length: 3\r\n\r\nabc", "400 501"},
	{"coding in 1.0", "POST / HTTP/1.0\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
}

// Bodies are chunked bodies that break a rule: what is behind the proxy may see a
// request begin, but never whole, and nothing after it.
var Bodies = map[string]string{
	"size in 0x":          "0x3\r\nabc\r\n0\r\n\r\n",
	"size with plus":      "+3\r\nabc\r\n0\r\n\r\n",
	"no size":             "\r\nabc\r\n0\r\n\r\n",
	"huge size":           "ffffffffffffffffff\r\nabc",
	"blank before size":   " 3\r\nabc\r\n0\r\n\r\n",
	"bare LF after size":  "3\nabc\r\n0\r\n\r\n",
	"bare LF after data":  "3\r\nabc\n0\r\n\r\n",
	"LF in an extension":  "3;a\nb\r\nabc\r\n0\r\n\r\n",
	"data too long":       "3\r\nabcd\r\n0\r\n\r\n",
	"data too short":      "5\r\nabc\r\n0\r\n\r\n",
	"underscore in size":  "1_0\r\nabc\r\n0\r\n\r\n",
	"bad trailer":         "3\r\nabc\r\n0\r\n A: b\r\n\r\n",
	"long extension":      "3;" + strings.Repeat("a", 500) + "\r\nabc\r\n0\r\n\r\n",
	"length in a trailer": "3\r\nabc\r\n0\r\nContent-Length: 5\r\n\r\n",
	"coding in a trailer": "3\r\nabc\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
	"host in a trailer":   "3\r\nabc\r\n0\r\nHost: other.test\r\n\r\n",
}

// Request is one that must arrive, once.
type Request struct {
	Name, Text string
	Seen, Not  string // what of it must be seen behind the proxy, and what not
	Trick      bool   // it says what only the proxy may say
}

// Legal requests arrive.
var Legal = []Request{
	{Name: "plain", Text: Plain, Seen: "GET /p host=demo.test"},
	{Name: "lower-case names", Text: "GET / HTTP/1.1\r\nhost: demo.test\r\nx-a: 1\r\n\r\n", Seen: "X-A:[1]"},
	{Name: "no blank after the colon", Text: "GET / HTTP/1.1\r\nHost:demo.test\r\nX-A:1\r\n\r\n", Seen: "X-A:[1]"},
	{Name: "blanks around the value", Text: "GET / HTTP/1.1\r\nHost: \t demo.test \t\r\nX-A: \t 1 \t\r\n\r\n", Seen: "X-A:[1]"},
	{Name: "empty value", Text: "GET / HTTP/1.1\r\n" + host + "X-A:\r\n\r\n", Seen: "X-A:[]"},
	{Name: "bytes over 0x7f in a value", Text: "GET / HTTP/1.1\r\n" + host + "X-A: \xc3\xa4\r\n\r\n", Seen: "X-A:[\xc3\xa4]"},
	{Name: "empty lines first", Text: "\r\n" + Plain, Seen: "GET /p"},
	{Name: "host with port, capitals and dot", Text: "GET / HTTP/1.1\r\nHost: DEMO.Test.:8080\r\n\r\n", Seen: "host=DEMO.Test.:8080"},
	{Name: "absolute form", Text: "GET http://demo.test/x?y HTTP/1.1\r\n" + host + "\r\n", Seen: "GET /x?y host=demo.test"},
	{Name: "absolute form without path", Text: "GET http://demo.test HTTP/1.1\r\n" + host + "\r\n", Seen: "GET / host=demo.test"},
	{Name: "asterisk", Text: "OPTIONS * HTTP/1.1\r\n" + host + "\r\n", Seen: "OPTIONS *"},
	{Name: "HTTP/1.0 with host", Text: "GET / HTTP/1.0\r\n" + host + "\r\n", Seen: "GET /"},
	{Name: "odd method", Text: "G!T / HTTP/1.1\r\n" + host + "\r\n", Seen: "G!T /"},
	{Name: "odd target", Text: "GET /a|b\"<>{}^`\\?c[]=;'%20 HTTP/1.1\r\n" + host + "\r\n", Seen: "GET /a|b\"<>{}^`\\?c[]=;'%20"},
	{Name: "path in no normal form", Text: "GET //a/../b/./%2F%2e%2E//c;d?e=//f/..&g=%20+ HTTP/1.1\r\n" + host + "\r\n", Seen: "GET //a/../b/./%2F%2e%2E//c;d?e=//f/..&g=%20+"},
	{Name: "body with length", Text: "POST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\n\r\nabc", Seen: `body="abc" err=<nil>`},
	{Name: "length zero", Text: "POST / HTTP/1.1\r\n" + host + "Content-Length: 0\r\n\r\n", Seen: `body="" err=<nil>`},
	{Name: "two equal lengths", Text: "POST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", Seen: `body="abc"`},
	{Name: "chunks", Text: "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n00A\r\n0123456789\r\n0\r\n\r\n", Seen: `body="abc0123456789" err=<nil>`},
	{Name: "chunk extensions", Text: "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n3;a=\"b\"\r\nabc\r\n0;x\r\n\r\n", Seen: `body="abc" err=<nil>`},
	{Name: "trailers", Text: "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\nCookie: x\r\nA_B: c\r\n\r\n", Seen: `trailer=map[X-T:[1]]`},
	{Name: "chunks and length", Text: "POST / HTTP/1.1\r\n" + host + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", Seen: `body="abc" err=<nil>`, Not: "Content-Length"},
	{Name: "expectation", Text: "POST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\nExpect: 100-continue\r\n\r\nabc", Seen: `body="abc"`, Not: "Expect"},
	{Name: "forwarded address is appended", Text: "GET / HTTP/1.1\r\n" + host + "X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-For: 8.8.8.8\r\n\r\n", Seen: "X-Forwarded-For:[9.9.9.9, 8.8.8.8, 127.0.0.1]"},
	{Trick: true, Name: "forwarded scheme and port are ours", Text: "GET / HTTP/1.1\r\n" + host + "X-Forwarded-Proto: https\r\nX-Forwarded-Port: 1\r\nX-Forwarded-Host: evil\r\n\r\n", Seen: "X-Forwarded-Proto:[http]", Not: "evil"},
	{Trick: true, Name: "names with underscore are dropped", Text: "GET / HTTP/1.1\r\n" + host + "X_Forwarded_For: 6.6.6.6\r\nContent_Length: 7\r\n\r\n", Seen: "GET /", Not: "6.6.6.6"},
	{Trick: true, Name: "spoofed headers of ours are dropped", Text: "GET / HTTP/1.1\r\n" + host + "X-Real-IP: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nX-Request-Start: 6666\r\n\r\n", Seen: "GET /", Not: "6.6.6.6"},
	{Trick: true, Name: "Connection names end-to-end headers", Text: "GET / HTTP/1.1\r\n" + host + "Connection: Cookie, X-Request-Id, X-Forwarded-For, keep-alive\r\nCookie: a=b\r\n\r\n", Seen: "Cookie:[a=b]"},
	{Trick: true, Name: "h2c is not upgraded", Text: "GET / HTTP/1.1\r\n" + host + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n", Seen: "GET /", Not: "h2c"},
	{Trick: true, Name: "hop-by-hop headers end here", Text: "GET / HTTP/1.1\r\n" + host + "Keep-Alive: 5\r\nProxy-Connection: x\r\nTE: trailers\r\nTrailer: X\r\nProxy-Authorization: y\r\n\r\n", Seen: "GET /", Not: "Keep-Alive"},
	{Name: "own request id", Text: "GET / HTTP/1.1\r\n" + host + "X-Request-Id: 01234567890123456789-abc\r\n\r\n", Seen: "X-Request-Id:[01234567890123456789-abc]"},
	{Trick: true, Name: "invalid request id", Text: "GET / HTTP/1.1\r\n" + host + "X-Request-Id: short\r\n\r\n", Seen: "X-Request-Id:[", Not: "short"},
	{Name: "via is appended", Text: "GET / HTTP/1.1\r\n" + host + "Via: 1.0 fred\r\n\r\n", Seen: "Via:[1.0 fred, 1.1 heroku-router]"},
}
