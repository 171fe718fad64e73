package server

import (
	"fmt"
	"net"

	"github.com/kigo-dev/kigo/router"
)

// http3Listener names the socket of HTTP/3 among those that the supervisor holds.
const http3Listener = "http3"

// bindHTTP3 opens the UDP socket at the address of --https.
func (s *supervisor) bindHTTP3() error {
	if !s.cfg.HTTP3 {
		return nil
	}
	c, err := net.ListenPacket("udp", s.addresses["https"])
	if err != nil {
		return fmt.Errorf("listen for HTTP/3 on UDP %s: %w (leave --http3 out, or choose another address with --https)", s.addresses["https"], err)
	}
	defer func() { _ = c.Close() }() // the file below holds the socket
	f, err := c.(*net.UDPConn).File()
	if err != nil {
		return fmt.Errorf("hold the socket of HTTP/3: %w", err)
	}
	s.addresses[http3Listener] = s.addresses["https"]
	s.listeners[http3Listener] = f
	return nil
}

// http3 is what the router needs to serve HTTP/3; nil: it does not.
func (c *child) http3() *router.HTTP3 {
	if c.packets == nil {
		return nil
	}
	return &router.HTTP3{Conn: c.packets, Lock: c.Config.Path("router", "http3.lock")}
}
