package router

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	slowMany   = 500      // clients; a fifth of them under the race detector, where memory says nothing
	slowMemory = 16 << 20 // 10 is what it takes mostly; a relay buffer that each held would be 16 more
)

// TestSlowClientsAreCutAndCostLittle holds 500 connections of each kind of slow
// client open, and asks meanwhile as others do.
func TestSlowClientsAreCutAndCostLittle(t *testing.T) {
	limits := Limits{Head: 3 * time.Second, Rolling: 3 * time.Second, Idle: 3 * time.Second, FirstByte: 3 * time.Second, Backlog: 10_000, Drain: time.Second}
	dyno := rawDyno(t, slowDyno)
	for _, kind := range []struct{ name, request, then string }{
		{"slow head", "GET / HTTP/1.1\r\nHost: demo.test\r\nX-A: ", "a"},
		{"slow body", "POST /body HTTP/1.1\r\nHost: demo.test\r\nContent-Length: 1000000\r\n\r\n", ""},
		{"slow read", "GET /large HTTP/1.1\r\nHost: demo.test\r\n\r\n", ""},
		{"slow read of chunks", "GET /chunks HTTP/1.1\r\nHost: demo.test\r\n\r\n", ""},
	} {
		t.Run(kind.name, func(t *testing.T) {
			if raceEnabled { // memory says nothing: they need not be alone
				t.Parallel()
			}
			r := startRouter(t, Config{Limits: limits})
			r.serve(t, dyno)
			if status := r.raw(t, plainGet).StatusCode; status != http.StatusNoContent {
				t.Fatal(status)
			}
			usual := medianOf(t, r)
			before := heldMemory()
			direct := slowClients(t, dyno, kind.request)
			<-time.After(100 * time.Millisecond)
			own := heldMemory() - before // of the test: its dynos and its clients
			for _, c := range direct {
				_ = c.Close()
			}
			began := time.Now()
			open := slowClients(t, r.addr, kind.request)
			others := medianOf(t, r)
			held := heldMemory() - before - own
			for held > slowMemory && r.count() >= len(open) { // buffers that are just being used go back, while all are still there
				<-time.After(tick / 4)
				held = heldMemory() - before - own
			}
			t.Logf("%d KiB for %d clients, others' median %s, %s before", held>>10, slowMany, others, usual)
			if others > max(50*time.Millisecond, 20*usual) && !raceEnabled { // nor does time
				t.Errorf("another client's median is %s, and was %s before", others, usual)
			}
			if held > slowMemory && !raceEnabled {
				t.Errorf("more than %d KiB", slowMemory>>10)
			}
			for n := 0; kind.then != "" && n < 20; n++ { // a byte now and then must not help
				for _, c := range open {
					_, _ = io.WriteString(c, kind.then)
				}
				<-time.After(50 * time.Millisecond)
			}
			eventually(t, "the end of all slow clients", func() bool { return r.count() == 0 })
			t.Logf("all cut after %s", time.Since(began))
		})
	}
}

// medianOf is how long a request takes.
func medianOf(t *testing.T, r *rig) time.Duration {
	t.Helper()
	var times []time.Duration
	for range 100 {
		one := time.Now()
		if status := r.raw(t, plainGet).StatusCode; status != http.StatusNoContent {
			t.Errorf("another client got %d", status)
		}
		times = append(times, time.Since(one))
	}
	slices.Sort(times)
	return times[50]
}

func slowClients(t *testing.T, addr, request string) (open []net.Conn) {
	t.Helper()
	many := slowMany
	if raceEnabled {
		many /= 5
	}
	for range many {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		_ = c.(*net.TCPConn).SetReadBuffer(4096)
		fmt.Fprint(c, request)
		open = append(open, c)
	}
	return open
}

var slowLarge = []byte(strings.Repeat("x", 4<<20))

// slowDyno answers, or is kept waiting, with as little memory as it can.
func slowDyno(c net.Conn, in *bufio.Reader) {
	for {
		head, err := readHeadText(in)
		switch {
		case err != nil:
			return
		case strings.Contains(head, "/large"):
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(slowLarge))
			_, _ = c.Write(slowLarge)
			return
		case strings.Contains(head, "/chunks"):
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n", len(slowLarge))
			_, _ = c.Write(slowLarge)
			return
		case strings.Contains(head, "/body"):
			_, _ = in.ReadByte()
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
	}
}

// heldMemory is what this process holds on heap and stacks.
func heldMemory() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

func TestOneClientMayNotTakeAllConnections(t *testing.T) {
	t.Parallel()
	limits := calm
	limits.PerClient = 10
	r := startRouter(t, Config{Limits: limits, ProxyHeader: true})
	r.serve(t, goDyno(t, func(http.ResponseWriter, *http.Request) {}))
	try := func(peer string) (net.Conn, bool) {
		t.Helper()
		c, in := dialRaw(t, r.addr)
		family := "TCP4"
		if strings.Contains(peer, ":") {
			family = "TCP6"
		}
		fmt.Fprintf(c, "PROXY %s %s %s 1 2\r\n%s", family, peer, peer, plainGet)
		_, err := http.ReadResponse(in, nil)
		return c, err == nil
	}
	for _, peers := range [][]string{{"192.0.2.1", "192.0.2.1"}, {"2001:db8::1", "2001:db8::2"}} {
		var open []net.Conn
		for i := range 10 {
			c, ok := try(peers[i%2])
			if !ok {
				t.Fatalf("connection %d was refused", i)
			}
			open = append(open, c)
		}
		if _, ok := try(peers[0]); ok {
			t.Error("an eleventh was served")
		}
		if _, ok := try("198.51.100.1"); !ok {
			t.Error("another client was refused")
		}
		_ = open[0].Close()
		eventually(t, "a seat that is free again", func() bool { _, ok := try(peers[0]); return ok })
	}
	if _, ok := try("2001:db8:0:1::1"); !ok {
		t.Error("another network was refused")
	}
}
