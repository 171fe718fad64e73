package sshd

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/dyno"
)

// Dynos is where sessions run (dyno.Agent).
type Dynos interface {
	Exec(ctx context.Context, id kigo.DynoID, v dyno.Visitor) (*dyno.Guest, error)
	Dial(ctx context.Context, id kigo.DynoID, host string, port int) (net.Conn, error)
}

// Server lets holders of grants into dynos. Set the fields before the first call.
type Server struct {
	Key   []byte                             // signs grants, the same after a restart
	Seed  []byte                             // of the host key: 32 bytes, the same after a restart
	Check func(context.Context, Grant) error // whether the account may still do that; an error with kigo.IDConflict is the dyno's
	Dynos Dynos
	Files []string         // the program of a dyno that speaks SFTP
	Log   *slog.Logger     // nil: slog.Default
	Now   func() time.Time // nil: time.Now

	Farewell time.Duration // for the official client's last byte; 0: 300 ms
}

const (
	handshakeTime  = 20 * time.Second
	maxHandshakes  = 256                    // at once
	maxOfClient    = 16                     // of these, for one client: an IPv4 address, or a /64 of IPv6
	maxConnections = 256                    // at once, after the handshake
	maxOfAccount   = 64                     // of these
	maxChannels    = 64                     // of one connection
	askAgain       = 500 * time.Millisecond // how often a connection that lasts is asked for again
)

func (s *Server) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

func (s *Server) log() *slog.Logger {
	if s.Log != nil {
		return s.Log
	}
	return slog.Default()
}

func (s *Server) signer() (ssh.Signer, error) {
	if len(s.Seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("the seed of the SSH host key has %d bytes, not %d", len(s.Seed), ed25519.SeedSize)
	}
	return ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(s.Seed))
}

// HostKey is the server's public key, as in a known_hosts line.
func (s *Server) HostKey() (string, error) {
	signer, err := s.signer()
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey()))), nil
}

func (s *Server) config() (*ssh.ServerConfig, error) {
	signer, err := s.signer()
	if err != nil {
		return nil, err
	}
	config := &ssh.ServerConfig{
		ServerVersion: "SSH-2.0-kigo", MaxAuthTries: 6,
		PublicKeyCallback: func(c ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			g, err := s.open(c.User(), key)
			if err != nil {
				return nil, err
			}
			return &ssh.Permissions{ExtraData: map[any]any{grantKey{}: g}}, nil
		},
	}
	config.AddHostKey(signer)
	return config, nil
}

type grantKey struct{}

// Run answers connections until ctx is done, then ends them.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	config, err := s.config()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	context.AfterFunc(ctx, func() { _ = l.Close() })
	var wg sync.WaitGroup
	defer wg.Wait()
	d := &door{server: s, config: config, clients: crowd{each: maxOfClient, all: maxHandshakes}, accounts: crowd{each: maxOfAccount, all: maxConnections}}
	places := make(chan struct{}, maxHandshakes)
	for {
		conn, err := l.Accept()
		switch {
		case ctx.Err() != nil:
			cancel()
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept: %w", err)
		case err != nil: // out of descriptors, mostly
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
			}
			continue
		}
		select {
		case places <- struct{}{}:
			wg.Go(func() { d.serve(ctx, conn, func() { <-places }) })
		default:
			_ = conn.Close()
		}
	}
}

// door is where connections come in, with those who stand in it and those who are inside.
type door struct {
	server            *Server
	config            *ssh.ServerConfig
	clients, accounts crowd
}

// serve answers one connection to its end. done gives its place among the handshakes back.
func (d *door) serve(ctx context.Context, conn net.Conn, done func()) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	context.AfterFunc(ctx, func() { _ = conn.Close() })
	c, channels, requests := d.greet(ctx, conn)
	done()
	if c == nil {
		_ = conn.Close()
		return
	}
	g, ok := c.Permissions.ExtraData[grantKey{}].(Grant)
	if !ok || !d.accounts.enter(string(g.Account)) {
		d.server.log().WarnContext(ctx, "ssh connection refused: too many", "account", g.Account)
		return
	}
	defer d.accounts.leave(string(g.Account))
	d.server.host(ctx, cancel, c, channels, requests, g)
}

// greet shakes hands; nil: there is no connection.
func (d *door) greet(ctx context.Context, conn net.Conn) (*ssh.ServerConn, <-chan ssh.NewChannel, <-chan *ssh.Request) {
	_ = conn.SetDeadline(time.Now().Add(handshakeTime))
	conn, from, err := client(conn)
	if err != nil || !d.clients.enter(from) {
		d.server.log().DebugContext(ctx, "ssh connection refused", "from", from, "err", err)
		return nil, nil, nil
	}
	defer d.clients.leave(from)
	c, channels, requests, err := ssh.NewServerConn(conn, d.config)
	if err != nil {
		d.server.log().DebugContext(ctx, "ssh handshake", "from", from, "err", err)
		return nil, nil, nil
	}
	_ = conn.SetDeadline(time.Time{})
	return c, channels, requests
}

// host looks after a connection until its client leaves or may stay no longer.
func (s *Server) host(ctx context.Context, cancel func(), c *ssh.ServerConn, channels <-chan ssh.NewChannel, requests <-chan *ssh.Request, g Grant) {
	v := &visitor{server: s, grant: g}
	go ssh.DiscardRequests(requests) // answers keep-alives
	go keepAlive(ctx, c)
	go v.watch(ctx, cancel)
	var wg sync.WaitGroup
	places := make(chan struct{}, maxChannels)
	for ch := range channels {
		select {
		case places <- struct{}{}:
		default:
			_ = ch.Reject(ssh.ResourceShortage, fmt.Sprintf("one connection may have %d channels at once", maxChannels))
			continue
		}
		wg.Go(func() {
			defer func() { <-places }()
			v.open(ctx, ch)
		})
	}
	cancel() // the client is gone: so are its sessions
	wg.Wait()
}

// watch ends a connection, and what runs in it, when who was let in may not be there any
// more. Who is not let in is told why on each channel, and so is that the dyno has ended;
// who has opened none by then, as a client that forwards ports, stays only while let in.
func (v *visitor) watch(ctx context.Context, end func()) {
	tick, since := time.NewTicker(askAgain), time.Now()
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		admitted := v.admitted.Load()
		if !admitted && time.Since(since) < handshakeTime {
			continue
		}
		if e, ours := kigo.AsError(v.server.Check(ctx, v.grant)); ours && (e.ID != kigo.IDConflict || !admitted) && e.ID != kigo.IDUnavailable {
			v.server.log().InfoContext(ctx, "ssh connection ended", "account", v.grant.Account, "dyno", v.grant.Dyno, "why", e.Message)
			end()
			return
		}
	}
}

// keepAlive ends the connection of a client that has vanished.
func keepAlive(ctx context.Context, c *ssh.ServerConn) {
	const every = 30 * time.Second
	for tick := time.NewTicker(every); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
		answered := make(chan struct{})
		go func() {
			defer close(answered)
			_, _, _ = c.SendRequest("keepalive@openssh.com", true, nil)
		}()
		select {
		case <-answered:
		case <-ctx.Done():
		case <-time.After(2 * every):
			_ = c.Close()
			return
		}
	}
}
