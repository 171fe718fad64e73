package router

import (
	"bytes"
	"io"
	"net"
	"time"
)

// Where apps are served on port 80, SSH comes in by the same door: the official
// command line opens its ps:exec there and nowhere else. An SSH client speaks
// first, and no request begins as it does.

var sshGreeting = []byte("SSH-2.0-")

// isSSH looks at the first bytes of a plain connection.
func (c *conn) isSSH() bool {
	return c.sni == "" && c.stream == nil && c.rt.config.SSH != "" && bytes.HasPrefix(c.in.data(), sshGreeting)
}

// passSSH connects the client to the server of ps:exec, until one of them ends.
func (c *conn) passSSH() {
	far, err := net.DialTimeout("unix", c.rt.config.SSH, 5*time.Second)
	if err != nil {
		c.rt.log.Warn("ps:exec cannot be reached", "error", err)
		return
	}
	defer far.Close()
	c.wire.forever()
	if _, err := far.Write(append([]byte("kigo-client "+c.peer+"\n"), c.in.data()...)); err != nil { // sshd.Announcement
		return
	}
	back := make(chan struct{})
	go func() {
		defer close(back)
		_, _ = io.Copy(c.wire.Conn, far)
		if c.wire.tcp != nil {
			_ = c.wire.tcp.CloseWrite()
		}
	}()
	_, _ = io.Copy(far, c.wire.Conn)
	if unix, ok := far.(*net.UnixConn); ok {
		_ = unix.CloseWrite()
	}
	select {
	case <-back:
	case <-time.After(c.rt.limits.Rolling): // the client has gone whole, and the server does not end
		c.wire.interrupt(reasonAbort)
		_ = far.Close()
		<-back // it may be writing to the client's descriptor
	}
}
