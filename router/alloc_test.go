//go:build !race

package router

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
)

type noSink struct{}

func (noSink) WriteLine(kigo.AppID, time.Time, []byte) {}

// fixedDyno answers the same bytes without allocating.
func fixedDyno(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 128\r\n\r\n" + string(bytes.Repeat([]byte("x"), 128)))
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				b := make([]byte, 64<<10)
				for {
					n, err := c.Read(b)
					if err != nil {
						return
					}
					for !bytes.HasSuffix(b[:n], headEnd) {
						m, err := c.Read(b[n:])
						if err != nil {
							return
						}
						n += m
					}
					if _, err := c.Write(answer); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

func TestARequestOnKeptConnectionsAllocatesNothing(t *testing.T) {
	r := startRouter(t, Config{})
	r.access.sink = noSink{}
	r.serve(t, fixedDyno(t))
	c, _ := dialRaw(t, r.addr)
	request := []byte("GET /path?query=1 HTTP/1.1\r\nHost: demo.test\r\nUser-Agent: test\r\nAccept: */*\r\nCookie: a=b\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n")
	answer := make([]byte, 4096)
	once := func() {
		if _, err := c.Write(request); err != nil {
			t.Fatal(err)
		}
		n, err := c.Read(answer)
		for err == nil && !bytes.HasSuffix(answer[:n], []byte("xxx")) {
			var m int
			m, err = c.Read(answer[n:])
			n += m
		}
		if err != nil && err != io.EOF {
			t.Fatal(err)
		}
	}
	for range 200 {
		once()
	}
	if n := testing.AllocsPerRun(2000, once); n >= 1 {
		t.Errorf("%.2f allocations per request", n)
	}
}
