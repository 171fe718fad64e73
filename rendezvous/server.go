package rendezvous

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/kigo-dev/kigo"
)

// Limits of a connection.
const (
	secretTimeout = 30 * time.Second // for the handshake and the secret
	maxSecret     = 1 << 10
	maxWaiting    = 512 // connections that have not shown a secret
	askAgain      = 500 * time.Millisecond
	lingerFor     = 5 * time.Second // for the client to take the last bytes and close
	bufferSize    = 32 << 10        // more than a TLS record, so that a read is one record
)

// farewell is how long a piped client has to send its EOT: the official one fails when it
// finds the connection ended by then.
var farewell = time.Second

// Session is the other side of a connection.
type Session struct {
	Stream io.ReadWriteCloser          // Close hangs up; CloseWrite, if it has it, ends standard input
	NoTTY  bool                        // plain pipes: a single EOT from the client ends standard input
	Piped  bool                        // the client is no terminal: it sends EOT when its own input ends
	May    func(context.Context) error // whether the client may still be there, asked again and again; nil: it may
}

// Server accepts terminals. Open gives the session of a secret, waiting for its
// process where need be; ctx ends when the client goes away. Its kigo.Error is
// shown to the client.
type Server struct {
	Listener net.Listener // of TLS connections
	Open     func(ctx context.Context, secret string) (Session, error)
	Log      *slog.Logger // nil: slog.Default
}

// Run serves until ctx ends, then hangs up all sessions.
func (s *Server) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { s.Listener.Close() })
	defer stop()
	waiting := make(chan struct{}, maxWaiting)
	var all sync.WaitGroup
	defer all.Wait()
	for {
		conn, err := s.Listener.Accept()
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept terminals: %w", err)
		case err != nil: // out of descriptors, or the client has left: it passes
			s.log().Warn("terminal cannot be accepted", "err", err)
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
			continue
		}
		select {
		case waiting <- struct{}{}:
		default:
			conn.Close()
			continue
		}
		all.Go(func() { s.serve(ctx, conn, func() { <-waiting }) })
	}
}

// serve is one connection from its first byte to its last.
func (s *Server) serve(ctx context.Context, conn net.Conn, welcome func()) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer conn.Close()
	in := bufio.NewReaderSize(conn, bufferSize)
	_ = conn.SetDeadline(time.Now().Add(secretTimeout))
	secret, err := readSecret(in)
	welcome()
	if err != nil {
		// Whoever sends no secret is told nothing, unless it spoke our protocol.
		if errors.Is(err, errSecret) {
			s.refuse(conn, "The session's secret is too long or damaged.")
		}
		return
	}
	_ = conn.SetDeadline(time.Time{})
	keepAlive(conn)
	input := &input{in: in, conn: conn, ready: make(chan struct{}), spoken: make(chan struct{}), gone: cancel}
	defer context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })()
	var others sync.WaitGroup
	defer others.Wait()
	others.Go(input.run)
	others.Go(func() { input.monitor(ctx) })
	session, err := s.Open(ctx, secret)
	if err == nil {
		input.session = &session
	}
	close(input.ready)
	if err == nil {
		if _, err = io.WriteString(conn, "rendezvous\r\n"); err == nil { // one write is one record
			s.pump(ctx, conn, session, input)
		}
		session.Stream.Close()
	} else if ctx.Err() == nil {
		s.refuse(conn, s.explain(err))
		input.awaitEOT(ctx)
	}
	cancel()
	conn.Close() // ends the other two
}

// pump copies the process's output until it or the client ends, and lets the
// client take all of it.
func (s *Server) pump(ctx context.Context, conn net.Conn, session Session, input *input) {
	ctx, cut := context.WithCancelCause(ctx)
	defer cut(nil)
	stop := context.AfterFunc(ctx, func() {
		session.Stream.Close() // hang up: the read below ends
		_ = conn.SetWriteDeadline(time.Now().Add(lingerFor))
	})
	defer stop()
	go session.watch(ctx, cut)
	buf := make([]byte, bufferSize)
	for {
		n, err := session.Stream.Read(buf)
		if n > 0 {
			if _, err := conn.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			break
		}
	}
	if e, ours := kigo.AsError(context.Cause(ctx)); ours {
		_, _ = io.WriteString(conn, "\r\n !     "+e.Message+"\r\n")
		return
	}
	if session.Piped {
		input.awaitEOT(ctx)
	}
	// Closing with input unread would be a reset, and a reset may overtake the last
	// output: say the end, and give the client time to close first.
	if half, ok := conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		timer := time.NewTimer(lingerFor)
		defer timer.Stop()
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
	}
}

// watch cuts a session off when its client may be there no longer.
func (s Session) watch(ctx context.Context, cut func(error)) {
	if s.May == nil {
		return
	}
	tick := time.NewTicker(askAgain)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := s.May(ctx)
		if e, ours := kigo.AsError(err); ours && e.ID != kigo.IDUnavailable {
			cut(err)
			return
		}
	}
}

// refuse shows why there is no session. The official client discards the first
// piece, so the reason is the second.
func (s *Server) refuse(conn net.Conn, why string) {
	_ = conn.SetWriteDeadline(time.Now().Add(secretTimeout))
	if _, err := io.WriteString(conn, "rendezvous\r\n"); err != nil {
		return
	}
	_, _ = io.WriteString(conn, " !     "+why+"\r\n")
}

func (s *Server) explain(err error) string {
	if known, ok := kigo.AsError(err); ok {
		if known.ID == kigo.IDNotFound {
			return "There is no such session. It may have ended, or somebody has attached to it already."
		}
		return known.Message
	}
	s.log().Error("session cannot be opened", "err", err)
	return "The platform could not attach to the process. Try again."
}

func (s *Server) log() *slog.Logger {
	if s.Log != nil {
		return s.Log
	}
	return slog.Default()
}

var errSecret = errors.New("bad secret")

// readSecret reads "SECRET\r\n".
func readSecret(in *bufio.Reader) (string, error) {
	var line []byte
	for len(line) <= maxSecret {
		b, err := in.ReadByte()
		if err != nil {
			return "", fmt.Errorf("read secret: %w", err)
		}
		if b == '\n' {
			secret := strings.TrimSuffix(string(line), "\r")
			if secret == "" || strings.ContainsFunc(secret, func(r rune) bool { return r <= ' ' || r > '~' }) {
				return "", errSecret
			}
			return secret, nil
		}
		line = append(line, b)
	}
	return "", errSecret
}

// keepAlive makes the kernel notice a client that has vanished.
func keepAlive(conn net.Conn) {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	if t, ok := conn.(*net.TCPConn); ok {
		_ = t.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 15 * time.Second, Count: 4})
	}
}
