package sshd

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
)

// crowd counts who is in a place, each by a name. Nobody takes all of it.
type crowd struct {
	each, all int // how many of one name, and altogether

	mu    sync.Mutex
	names map[string]int
	total int
}

// enter takes a place, if there is one; leave gives it back.
func (c *crowd) enter(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.total >= c.all || c.names[name] >= c.each {
		return false
	}
	if c.names == nil {
		c.names = map[string]int{}
	}
	c.total++
	c.names[name]++
	return true
}

func (c *crowd) leave(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total--
	if c.names[name]--; c.names[name] == 0 {
		delete(c.names, name)
	}
}

// Announcement begins the line in which the router says whom it passes on: "kigo-client ADDRESS\n".
const Announcement = "kigo-client "

// client finds out who a connection is from: its address, or over the router's socket
// what the router says. What was read too far comes first from what it returns.
func client(conn net.Conn) (net.Conn, string, error) {
	address, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err == nil {
		return conn, network(address.Addr()), nil
	}
	in := bufio.NewReaderSize(conn, 512)
	if head, err := in.Peek(len(Announcement)); err != nil || string(head) != Announcement {
		return conn, "", errors.New("the router did not say whom it passes on")
	}
	line, err := in.ReadSlice('\n')
	if err != nil {
		return conn, "", fmt.Errorf("read client's address: %w", err)
	}
	ip, err := netip.ParseAddr(strings.TrimSpace(strings.TrimPrefix(string(line), Announcement)))
	if err != nil {
		return conn, "", fmt.Errorf("read client's address: %w", err)
	}
	return passed{conn, in}, network(ip), nil
}

// network is what one client may well have whole: an IPv4 address, a /64 of IPv6.
func network(ip netip.Addr) string {
	ip = ip.Unmap().WithZone("")
	if ip.Is6() {
		if p, err := ip.Prefix(64); err == nil {
			return p.String()
		}
	}
	return ip.String()
}

// passed is a connection of which a little has been read.
type passed struct {
	net.Conn
	in *bufio.Reader
}

func (p passed) Read(b []byte) (int, error) { return p.in.Read(b) }
