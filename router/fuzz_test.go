package router

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"slices"
	"testing"

	"github.com/kigo-dev/kigo/router/hostile"
)

// FuzzHead holds the head parser against net/http: what we accept it accepts
// too, and reads the same, after our rewriting.
func FuzzHead(f *testing.F) {
	for _, c := range hostile.Heads {
		f.Add([]byte(c.Text))
	}
	for _, c := range hostile.Legal {
		f.Add([]byte(c.Text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		end := bytes.Index(text, headEnd)
		if end < 0 || end > requestMax || bytes.HasPrefix(text, lineEnd) {
			return
		}
		head := text[:end+4]
		if incomplete(head, 0) != nil {
			return
		}
		x := &exchange{c: &conn{rt: &Router{}, peer: "192.0.2.1", forwarded: "\r\nX-Forwarded-Proto: http\r\n", via: "1.1 v"}, id: []byte("id")}
		if x.req.parse(slices.Clone(head)) != nil {
			return
		}
		out := x.appendRequest(nil)
		q, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(append(out, "0\r\n\r\n"...))))
		if err != nil {
			t.Fatalf("net/http refuses %q, made of %q: %v", out, head, err)
		}
		if q.Method != string(x.req.method) || q.RequestURI != string(x.req.target) {
			t.Errorf("method or target differ: %q", out)
		}
		if chunks := slices.Contains(q.TransferEncoding, "chunked"); chunks != x.req.chunked || !chunks && q.ContentLength != max(0, x.req.length) {
			t.Errorf("body differs: %v %d, ours %v %d: %q", chunks, q.ContentLength, x.req.chunked, x.req.length, out)
		}
		for name := range q.Header {
			if bytes.IndexByte([]byte(name), '_') >= 0 {
				t.Errorf("name with underscore passed: %q", out)
			}
		}
	})
}

// FuzzChunks holds the chunk decoder against net/http's: what we accept, cut
// anywhere, is the same body after canonicalisation, and never more of the input.
func FuzzChunks(f *testing.F) {
	f.Add([]byte("3;x\r\nabc\r\n0\r\nA: b\r\n\r\nGET"), uint8(2))
	f.Add([]byte("00A\r\n0123456789\r\n0\r\n\r\n"), uint8(1))
	f.Fuzz(func(t *testing.T, text []byte, step uint8) {
		var d, bare chunked
		bare.strip = true
		var canonical, data []byte
		read := 0
		for at := 0; at < len(text) && !d.done(); at += int(step) + 1 {
			part := text[at:min(len(text), at+int(step)+1)]
			one, two := slices.Clone(part), slices.Clone(part)
			kept, n, err := d.walk(one)
			kept2, n2, err2 := bare.walk(two)
			if n != n2 || (err == nil) != (err2 == nil) {
				t.Fatalf("stripping reads differently: %q", text)
			}
			if err != nil {
				return
			}
			read += n
			canonical, data = append(canonical, one[:kept]...), append(data, two[:kept2]...)
		}
		if !d.done() {
			return
		}
		canonical = append(canonical, d.last()...)
		if int64(len(data)) != d.data {
			t.Errorf("%d bytes of data, counted %d", len(data), d.data)
		}
		head := "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
		for _, body := range [][]byte{canonical, text[:read]} {
			in := bufio.NewReader(bytes.NewReader(append([]byte(head), body...)))
			q, err := http.ReadRequest(in)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(q.Body)
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("net/http reads %q (%v) from %q, we %q", got, err, body, data)
			}
			if rest, _ := io.ReadAll(in); len(rest) > 0 {
				t.Errorf("net/http leaves %q of %q", rest, body)
			}
		}
	})
}
