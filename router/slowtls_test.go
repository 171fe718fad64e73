package router

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// TestSlowClientsByTLSAreCut has clients stop at each place where one can, over TLS and HTTP/2.
// Some go on with what is no progress.
func TestSlowClientsByTLSAreCut(t *testing.T) {
	t.Parallel()
	limits := Limits{Head: 2 * time.Second, Idle: time.Second, Rolling: 500 * time.Millisecond, FirstByte: 20 * time.Second, Drain: time.Second}
	raw := func(text string) func(*testing.T, string) (net.Conn, func() error) {
		return func(t *testing.T, addr string) (net.Conn, func() error) {
			c, _ := dialRaw(t, addr)
			_, err := io.WriteString(c, text)
			return c, func() error { return err }
		}
	}
	secure := func(protocol, text string) func(*testing.T, string) (net.Conn, func() error) {
		return func(t *testing.T, addr string) (net.Conn, func() error) {
			c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{protocol}})
			if err != nil {
				t.Fatal(err)
			}
			_, err = io.WriteString(c, text)
			return c, func() error { return err }
		}
	}
	two := func(begin func(*h2Client) error, on func(*h2Client) error) func(*testing.T, string) (net.Conn, func() error) {
		return func(t *testing.T, addr string) (net.Conn, func() error) {
			k := dialHTTP2(t, addr)
			if err := begin(k); err != nil {
				t.Fatal(err)
			}
			return k.c, func() error { return on(k) }
		}
	}
	rest := func(*h2Client) error { return nil }
	ping := func(k *h2Client) error { return k.WritePing(false, [8]byte{}) }
	post := func(k *h2Client) error {
		return k.open(1, k.block(":method POST", ":scheme https", ":authority demo.test", ":path /read"), false)
	}
	for name, c := range map[string]struct {
		open func(*testing.T, string) (net.Conn, func() error)
		line string // when a request was there
	}{
		"nothing":             {raw(""), ""},
		"half a ClientHello":  {raw("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), ""},
		"half a head":         {secure("http/1.1", "GET / HTTP/1.1\r\nHost: de"), ""},
		"half a body":         {secure("http/1.1", "POST /read HTTP/1.1\r\nHost: demo.test\r\nContent-Length: 9\r\n\r\nhalf"), "code=H28"},
		"half a preface":      {secure("h2", http2.ClientPreface[:9]), ""},
		"half a frame's head": {secure("h2", http2.ClientPreface+"\x00\x00"), ""},
		"half a header block": {two(func(k *h2Client) error {
			return k.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: k.block()[:2], EndStream: true})
		}, rest), ""},
		"pings alone":             {two(ping, ping), ""},
		"no body of a stream":     {two(post, rest), "code=H28"},
		"pings instead of a body": {two(post, ping), "code=H28"},
		"a window that stays small": {two(func(k *h2Client) error {
			return k.open(1, k.block(":method GET", ":scheme https", ":authority demo.test", ":path /large"), true)
		}, ping), "code=H28"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, addr := startSecure(t, Config{Limits: limits})
			r.serve(t, goDyno(t, func(w http.ResponseWriter, q *http.Request) {
				if strings.HasSuffix(q.URL.Path, "/large") {
					_, _ = w.Write(slowLarge)
				}
				_, _ = io.Copy(io.Discard, q.Body)
			}))
			conn, on := c.open(t, addr)
			defer conn.Close()
			go func() { _, _ = io.Copy(io.Discard, conn) }()
			looks := 0
			eventually(t, "the end of the connection", func() bool {
				if looks++; looks%25 == 0 { // no flood
					_ = on()
				}
				return r.served.Load() == 1 && r.count() == 0
			})
			if c.line != "" {
				r.logs.find(t, c.line)
			}
		})
	}
}
