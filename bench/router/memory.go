package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	heldPeers = 9000   // connections at a time: what a limit of 20,000 descriptors allows a proxy
	heldMost  = 20_000 // idle ones at Kigo's router, when this process may have as many
)

// moreFiles lets this process, and those that it starts, have descriptors for heldMost
// connections, as root; else heldIdle is what there are.
func moreFiles() {
	const enough = heldMost + 2000
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) == nil {
		limit.Cur, limit.Max = max(limit.Max, enough), max(limit.Max, enough)
		_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
	}
}

func heldIdle() int {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return heldPeers
	}
	return min(heldMost, int(limit.Cur)-50)
}

// idle prints what a connection costs that is kept alive and idle, in resident KiB
// of the proxy's process. Kernel memory of the sockets is not in it.
func idle(children []*child) error {
	for _, c := range children {
		if c.role == "" {
			continue
		}
		n := heldPeers
		if c.role == "kigo" {
			n = heldIdle()
			fmt.Printf("router_idle_conns_held %d connections\n", n)
		}
		kib, err := held(c, n, "GET /128 HTTP/1.1\r\nHost: demo.test\r\n\r\n", "HTTP/1.1 200")
		if err != nil {
			return fmt.Errorf("idle connections at %s: %w", c.role, err)
		}
		if c.role == "kigo" {
			fmt.Printf("router_idle_conn_kib %.1f KiB\n", kib)
		} else {
			fmt.Printf("router_idle_conn_%s_kib %.1f KiB\n", c.role, kib)
		}
	}
	return nil
}

// webSocket prints the same of a tunnel at Kigo's router: the others' configurations
// here have no upgrades.
func webSocket(children []*child) error {
	for _, c := range children {
		if c.role != "kigo" {
			continue
		}
		kib, err := held(c, heldPeers, "GET /upgrade HTTP/1.1\r\nHost: demo.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", "HTTP/1.1 101")
		if err != nil {
			return fmt.Errorf("tunnels: %w", err)
		}
		fmt.Printf("router_websocket_kib %.1f KiB\n", kib)
	}
	return nil
}

func held(c *child, n int, request, answer string) (float64, error) {
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
	for range n {
		conn, err := net.Dial("tcp", c.plain)
		if err != nil {
			return 0, err
		}
		open = append(open, conn)
		if _, err := io.WriteString(conn, request); err != nil {
			return 0, err
		}
		got := make([]byte, 1024)
		m, err := conn.Read(got)
		if err != nil || !strings.HasPrefix(string(got[:m]), answer) {
			return 0, fmt.Errorf("answer %q: %w", got[:m], err)
		}
	}
	time.Sleep(time.Second)
	after, err := resident(c.pid)
	return float64(after-before) / 1024 / float64(n), err
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
