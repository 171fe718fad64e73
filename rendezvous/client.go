package rendezvous

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Conn is the client's side of a session: what the process prints can be read,
// what is written is its input.
type Conn struct {
	*tls.Conn
	in *bufio.Reader
}

// Dial attaches to a session by its attach_url, "rendezvous://HOST:PORT/SECRET",
// and returns when the process is there. Config may be nil; its server name is
// the URL's host unless set.
func Dial(ctx context.Context, attachURL string, config *tls.Config) (*Conn, error) {
	u, err := url.Parse(attachURL)
	if err != nil || u.Scheme != "rendezvous" || u.Host == "" {
		return nil, fmt.Errorf("attach: %q is no rendezvous URL", attachURL)
	}
	dialer := tls.Dialer{Config: config}
	raw, err := dialer.DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return nil, fmt.Errorf("attach to %s: %w", u.Host, err)
	}
	c := &Conn{Conn: raw.(*tls.Conn)}
	c.in = bufio.NewReaderSize(c.Conn, bufferSize)
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	err = c.greet(strings.TrimPrefix(u.RequestURI(), "/"))
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("attach to %s: %w", u.Host, err)
	}
	return c, nil
}

func (c *Conn) greet(secret string) error {
	if _, err := fmt.Fprintf(c.Conn, "%s\r\n", secret); err != nil {
		return err
	}
	line, err := c.in.ReadString('\n')
	if err != nil {
		return err
	}
	if line != "rendezvous\r\n" {
		return fmt.Errorf("the server says %q", line)
	}
	return nil
}

// Read reads what the process prints; io.EOF when it has ended.
func (c *Conn) Read(p []byte) (int, error) { return c.in.Read(p) }

// SendEOF ends the standard input of a session without a terminal, and is Ctrl-D
// on one with.
func (c *Conn) SendEOF() error {
	_, err := c.Conn.Write([]byte{eot})
	return err
}
