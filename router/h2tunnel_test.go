package router

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// TestWebSocketsPassOverHTTP2 speaks RFC 8441 frame by frame: no Go client does.
func TestWebSocketsPassOverHTTP2(t *testing.T) {
	t.Parallel()
	limits := calm
	limits.Rolling = 5 * time.Second
	r, addr := startSecure(t, Config{Limits: limits})
	r.serve(t, goDyno(t, func(w http.ResponseWriter, q *http.Request) {
		if q.Header.Get("Origin") != "https://demo.test" || q.Header.Get("X-Forwarded-Proto") != "https" {
			http.Error(w, "headers", http.StatusTeapot)
			return
		}
		c, err := websocket.Accept(w, q, &websocket.AcceptOptions{InsecureSkipVerify: true})
		if err != nil {
			return
		}
		kind, message, err := c.Read(q.Context())
		for ; err == nil; kind, message, err = c.Read(q.Context()) {
			_ = c.Write(q.Context(), kind, append([]byte("echo "), message...))
		}
	}))
	c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	_, _ = io.WriteString(c, http2.ClientPreface)
	framer := http2.NewFramer(c, c)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_ = framer.WriteSettings()
	var head bytes.Buffer
	e := hpack.NewEncoder(&head)
	for _, f := range []string{":method CONNECT", ":protocol websocket", ":scheme https", ":path /ws", ":authority demo.test",
		"sec-websocket-version 13", "origin https://demo.test"} {
		name, value, _ := strings.Cut(f, " ")
		_ = e.WriteField(hpack.HeaderField{Name: name, Value: value})
	}
	if err := framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: head.Bytes(), EndHeaders: true}); err != nil {
		t.Fatal(err)
	}
	allowed, status, data := false, "", []byte{}
	read := func() bool {
		t.Helper()
		f, err := framer.ReadFrame()
		if err != nil {
			t.Fatal(err, r.logs)
		}
		switch f := f.(type) {
		case *http2.SettingsFrame:
			v, ok := f.Value(http2.SettingEnableConnectProtocol)
			allowed = allowed || ok && v == 1
		case *http2.MetaHeadersFrame:
			status = f.PseudoValue("status")
		case *http2.DataFrame:
			data = append(data, f.Data()...)
			return !f.StreamEnded()
		case *http2.RSTStreamFrame:
			t.Fatal(f)
		}
		return true
	}
	for status == "" {
		read()
	}
	if !allowed || status != "200" {
		t.Fatalf("allowed %v, status %s", allowed, status)
	}
	for i := range 20 {
		text := fmt.Sprint("message ", i)
		if err := framer.WriteData(1, false, maskedFrame(0x81, text)); err != nil {
			t.Fatal(err)
		}
		want := "echo " + text
		for len(data) < 2+len(want) {
			read()
		}
		if string(data[2:2+len(want)]) != want {
			t.Fatalf("got %q", data)
		}
		data = data[2+len(want):]
	}
	_ = framer.WriteData(1, true, maskedFrame(0x88, "\x03\xe8"))
	for read() {
	}
	r.logs.find(t, `method=GET path="/ws"`, "status=101", "protocol=http2.0")
}

// maskedFrame is one short WebSocket frame of a client.
func maskedFrame(first byte, text string) []byte {
	b := []byte{first, 0x80 | byte(len(text))}
	b = binary.BigEndian.AppendUint32(b, 0) // this mask changes nothing
	return append(b, text...)
}
