package router

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// dialTunnel asks for a WebSocket by HTTP/3 (RFC 9220), as browsers may: the library says to
// all clients that they can.
func dialTunnel(t *testing.T, addr, protocol string) (*http3.RequestStream, *http.Response) {
	t.Helper()
	q, err := quic.DialAddr(t.Context(), addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{http3.NextProtoH3}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.CloseWithError(0, "") })
	c := (&http3.Transport{}).NewClientConn(q)
	<-c.ReceivedSettings()
	if !c.Settings().EnableExtendedConnect {
		t.Error("clients are not told that they can")
	}
	st, err := c.OpenRequestStream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_ = st.SetDeadline(time.Now().Add(20 * time.Second))
	ask, _ := http.NewRequest(http.MethodConnect, "https://demo.test/ws", nil)
	ask.Proto = protocol
	ask.Header.Set("Sec-WebSocket-Version", "13")
	if err := st.SendRequestHeader(ask); err != nil {
		t.Fatal(err)
	}
	res, err := st.ReadResponse()
	if err != nil {
		t.Fatal(err)
	}
	return st, res
}

func TestWebSocketsPassOverHTTP3(t *testing.T) {
	t.Parallel()
	r, addr := startHTTP3(t, Config{Limits: Limits{Drain: time.Second, Leave: tick}})
	heads := make(chan string, 10)
	r.serve(t, rawDyno(t, func(c net.Conn, in *bufio.Reader) {
		head, _ := readHeadText(in)
		heads <- head
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\nSec-WebSocket-Protocol: chat\r\n\r\nhello\n")
		for {
			line, err := in.ReadString('\n')
			if err != nil || line == "bye\n" {
				return
			}
			fmt.Fprint(c, "echo ", line)
		}
	}))
	st, res := dialTunnel(t, addr, "websocket")
	if res.StatusCode != http.StatusOK || res.Header.Get("Upgrade")+res.Header.Get("Sec-WebSocket-Accept") != "" || res.Header.Get("Sec-WebSocket-Protocol") != "chat" {
		t.Errorf("%s %v", res.Status, res.Header)
	}
	if head := <-heads; !strings.HasPrefix(head, "GET /ws HTTP/1.1\r\n") || !strings.Contains(head, "Connection: Upgrade\r\nUpgrade: websocket\r\n") || !strings.Contains(head, "Via: 3.0 heroku-router") {
		t.Errorf("the dyno saw %q", head)
	}
	in := bufio.NewReader(st)
	if line, err := in.ReadString('\n'); line != "hello\n" {
		t.Fatalf("first %q, %v", line, err)
	}
	for i := range 20 {
		want := fmt.Sprintf("message %d\n", i)
		if _, err := io.WriteString(st, want); err != nil {
			t.Fatal(err)
		}
		if line, err := in.ReadString('\n'); err != nil || line != "echo "+want {
			t.Fatalf("%q, %v", line, err)
		}
	}
	_, _ = io.WriteString(st, "bye\n") // the dyno ends it
	if rest, err := io.ReadAll(in); err != nil || len(rest) > 0 {
		t.Errorf("then %q, %v", rest, err)
	}
	r.logs.find(t, `at=info method=GET path="/ws"`, "status=101", "protocol=http3.0")

	st, _ = dialTunnel(t, addr, "websocket")
	_ = st.Close() // the client ends it
	if rest, err := io.ReadAll(st); err != nil || string(rest) != "hello\n" {
		t.Errorf("then %q, %v", rest, err)
	}
	if _, res := dialTunnel(t, addr, "connect-udp"); res.StatusCode != http.StatusMethodNotAllowed && res.StatusCode != http.StatusNotImplemented && res.StatusCode != http.StatusBadRequest {
		t.Errorf("another protocol: %s", res.Status)
	}
}
