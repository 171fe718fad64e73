package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

const heldConns = 9000 // what a limit of 20,000 descriptors allows a proxy

// memory prints what a connection costs Kigo's router: kept alive and idle, and
// as a tunnel (what a WebSocket is), in resident KiB of its process. Kernel
// memory of the sockets is not in it.
func memory(children []*child) error {
	for _, c := range children {
		if c.role == "" {
			continue
		}
		for _, kind := range []struct{ figure, request, answer string }{
			{"router_idle_conn", "GET /128 HTTP/1.1\r\nHost: demo.test\r\n\r\n", "HTTP/1.1 200"},
			{"router_websocket", "GET /upgrade HTTP/1.1\r\nHost: demo.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", "HTTP/1.1 101"},
		} {
			if c.role != "kigo" && kind.figure == "router_websocket" {
				continue // their configurations here have no upgrades
			}
			kib, err := held(c, kind.request, kind.answer)
			if err != nil {
				return fmt.Errorf("%s at %s: %w", kind.figure, c.role, err)
			}
			fmt.Printf("%s_%s_kib %.1f KiB\n", kind.figure, c.role, kib)
		}
	}
	return nil
}

func held(c *child, request, answer string) (float64, error) {
	before, err := resident(c.pid)
	if err != nil {
		return 0, err
	}
	var open []net.Conn
	defer func() {
		for _, conn := range open {
			_ = conn.Close()
		}
	}()
	for range heldConns {
		conn, err := net.Dial("tcp", c.plain)
		if err != nil {
			return 0, err
		}
		open = append(open, conn)
		if _, err := io.WriteString(conn, request); err != nil {
			return 0, err
		}
		got := make([]byte, 1024)
		n, err := conn.Read(got)
		if err != nil || !strings.HasPrefix(string(got[:n]), answer) {
			return 0, fmt.Errorf("answer %q: %w", got[:n], err)
		}
	}
	time.Sleep(time.Second)
	after, err := resident(c.pid)
	return float64(after-before) / 1024 / heldConns, err
}

// resident is a process's RSS in bytes.
func resident(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text))
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize()), err
}
