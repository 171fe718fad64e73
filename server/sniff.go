package server

import (
	"crypto/tls"
	"io"
	"net"
	"sync"
	"time"
)

// tlsHandshake is the first byte of a TLS connection.
const tlsHandshake = 0x16

// sniffTimeout is how long a client may take to send its first byte.
const sniffTimeout = 15 * time.Second

// dualListener serves plain HTTP and TLS on one address: Heroku's command line
// wants the API as http://localhost and git as https on one host and port.
type dualListener struct {
	net.Listener
	config *tls.Config
	plain  bool // whether plain connections are served at all
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

// newDualListener wraps l. Where plain is false, plain connections get a short
// answer that names https and are closed.
func newDualListener(l net.Listener, config *tls.Config, plain bool) *dualListener {
	d := &dualListener{Listener: l, config: config, plain: plain, conns: make(chan net.Conn), closed: make(chan struct{})}
	go d.accept()
	return d
}

func (d *dualListener) accept() {
	for {
		conn, err := d.Listener.Accept()
		if err != nil {
			select {
			case <-d.closed:
				return
			case <-time.After(10 * time.Millisecond): // out of descriptors: the next one may work
				continue
			}
		}
		go d.sniff(conn)
	}
}

func (d *dualListener) sniff(conn net.Conn) {
	var first [1]byte
	_ = conn.SetReadDeadline(time.Now().Add(sniffTimeout))
	if _, err := io.ReadFull(conn, first[:]); err != nil {
		_ = conn.Close()
		return
	}
	_ = conn.SetReadDeadline(time.Time{})
	var served net.Conn = &prefixConn{Conn: conn, first: first[:]}
	switch {
	case first[0] == tlsHandshake:
		served = tls.Server(served, d.config)
	case !d.plain:
		_, _ = io.WriteString(conn, "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nUse https:// on this address.\n")
		_ = conn.Close()
		return
	}
	select {
	case d.conns <- served:
	case <-d.closed:
		_ = conn.Close()
	}
}

// Accept returns the next connection whose first byte is known.
func (d *dualListener) Accept() (net.Conn, error) {
	select {
	case conn := <-d.conns:
		return conn, nil
	case <-d.closed:
		return nil, net.ErrClosed
	}
}

// Close ends the listener.
func (d *dualListener) Close() error {
	d.once.Do(func() { close(d.closed) })
	return d.Listener.Close()
}

// prefixConn gives back the byte that was read.
type prefixConn struct {
	net.Conn
	first []byte
}

func (c *prefixConn) Read(p []byte) (int, error) {
	if len(c.first) > 0 && len(p) > 0 {
		n := copy(p, c.first)
		c.first = c.first[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}
