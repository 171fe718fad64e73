package router

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestThousandsOfIdleConnectionsAreHeldAndAnsweredAgain keeps them open after a first
// request; each is there for a second one, and so are new clients. There are 20,000
// where this process may have descriptors for both ends.
func TestThousandsOfIdleConnectionsAreHeldAndAnsweredAgain(t *testing.T) {
	many := 20_000
	if raceEnabled {
		many = 2000 // the detector would hold 200 MB for the others
	}
	many = min(many, (raiseFiles(t, 2*many+1000)-1000)/2)
	t.Log(many, "connections")
	r := startRouter(t, Config{Limits: Limits{Idle: 10 * time.Minute, Drain: time.Second}})
	r.serve(t, rawDyno(t, func(c net.Conn, in *bufio.Reader) {
		for {
			if _, err := readHeadText(in); err != nil {
				return
			}
			_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
		}
	}))
	ask := func(c net.Conn) {
		t.Helper()
		if _, err := io.WriteString(c, plainGet); err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, 1024)
		n, err := c.Read(answer)
		if want := "HTTP/1.1 204"; err != nil || string(answer[:min(n, len(want))]) != want {
			t.Fatalf("answer %q, %v", answer[:n], err)
		}
	}
	open := make([]net.Conn, many)
	defer func() {
		for _, c := range open {
			if c != nil {
				_ = c.Close()
			}
		}
	}()
	for i := range open {
		c, err := net.Dial("tcp", r.addr)
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		open[i] = c
		ask(c)
	}
	if n := r.count(); n != many {
		t.Fatalf("%d connections are held", n)
	}
	if status := r.raw(t, plainGet).StatusCode; status != http.StatusNoContent {
		t.Errorf("a new client got %d", status)
	}
	for _, c := range open {
		ask(c)
	}
}

// raiseFiles lets this process have n descriptors, or as many as it can.
func raiseFiles(t *testing.T, n int) int {
	t.Helper()
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	more := unix.Rlimit{Cur: max(limit.Cur, uint64(n)), Max: max(limit.Max, uint64(n))} // past Max only as root
	if unix.Setrlimit(unix.RLIMIT_NOFILE, &more) == nil {
		limit = more
	}
	return int(limit.Cur)
}
