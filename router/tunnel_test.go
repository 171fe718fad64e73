package router

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

func TestWebSocketsPassBothWays(t *testing.T) {
	t.Parallel()
	limits := calm
	limits.Rolling = 5 * time.Second
	r := startRouter(t, Config{Limits: limits})
	r.serve(t, goDyno(t, func(w http.ResponseWriter, q *http.Request) {
		c, err := websocket.Accept(w, q, &websocket.AcceptOptions{InsecureSkipVerify: true})
		if err != nil {
			return
		}
		for {
			kind, message, err := c.Read(q.Context())
			if err != nil {
				return
			}
			if err := c.Write(q.Context(), kind, append([]byte("echo "), message...)); err != nil {
				return
			}
		}
	}))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c, _, err := websocket.Dial(ctx, "ws://"+r.addr+"/ws", &websocket.DialOptions{Host: "demo.test"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		text := fmt.Sprint(i, strings.Repeat("x", i*100))
		if err := c.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
			t.Fatal(err)
		}
		_, got, err := c.Read(ctx)
		if err != nil || string(got) != "echo "+text {
			t.Fatalf("%.20q %v", got, err)
		}
	}
	if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
	r.logs.find(t, `at=info method=GET path="/ws"`, "status=101")
}

const upgradeEcho = "GET /u HTTP/1.1\r\nHost: demo.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: echo/1\r\n\r\n"

const switched = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n\r\n"

func TestAnyUpgradePassesAndEachSideMayEndAlone(t *testing.T) {
	t.Parallel()
	r := startRouter(t, Config{Limits: calm})
	heads := make(chan string, 1)
	r.serve(t, rawDyno(t, func(c net.Conn, in *bufio.Reader) {
		head, _ := readHeadText(in)
		heads <- head
		_, _ = io.WriteString(c, switched+"early ")
		all, _ := io.ReadAll(in) // until the client ends its side
		_, _ = fmt.Fprintf(c, "got %s", all)
	}))
	c, in := dialRaw(t, r.addr)
	fmt.Fprint(c, upgradeEcho+"sent ")
	if head, err := readHeadText(in); err != nil || !strings.Contains(head, "Upgrade: echo/1\r\n") {
		t.Fatalf("%q %v", head, err)
	}
	fmt.Fprint(c, "at once")
	_ = c.(*net.TCPConn).CloseWrite()
	if all, err := io.ReadAll(in); err != nil || string(all) != "early got sent at once" {
		t.Errorf("%q %v", all, err)
	}
	if head := <-heads; !strings.Contains(head, "Connection: Upgrade\r\nUpgrade: echo/1\r\n") {
		t.Errorf("dyno got %q", head)
	}
	r.logs.find(t, "status=101 bytes=")
}

func TestATunnelWithoutABytePassingEnds(t *testing.T) {
	t.Parallel()
	r := startRouter(t, Config{Limits: quick})
	r.serve(t, rawDyno(t, func(c net.Conn, in *bufio.Reader) {
		answering(switched)(c, in)
		silent(c, in)
	}))
	c, in := dialRaw(t, r.addr)
	fmt.Fprint(c, upgradeEcho)
	if _, err := readHeadText(in); err != nil {
		t.Fatal(err)
	}
	_, _ = io.ReadAll(in)
	r.logs.find(t, "code=H15", "status=101")
}

func TestAfterARefusedUpgradeTheConnectionIsHTTPAgain(t *testing.T) {
	t.Parallel()
	r := startRouter(t, Config{Limits: calm})
	r.serve(t, goDyno(t, func(w http.ResponseWriter, q *http.Request) { fmt.Fprint(w, q.URL.Path) }))
	c, in := dialRaw(t, r.addr)
	fmt.Fprint(c, upgradeEcho+plainGet)
	for _, want := range []string{"/u", "/p"} {
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := bodyOf(t, res); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
