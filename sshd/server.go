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
	Check func(context.Context, Grant) error // whether the account may still do that
	Dynos Dynos
	Files []string         // the program of a dyno that speaks SFTP
	Log   *slog.Logger     // nil: slog.Default
	Now   func() time.Time // nil: time.Now
}

const (
	handshakeTime  = 20 * time.Second
	maxConnections = 256 // at once
	maxChannels    = 64  // of one connection
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
	places := make(chan struct{}, maxConnections)
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
			wg.Go(func() {
				defer func() { <-places }()
				s.serve(ctx, conn, config)
			})
		default:
			_ = conn.Close()
		}
	}
}

// serve answers one connection to its end.
func (s *Server) serve(ctx context.Context, conn net.Conn, config *ssh.ServerConfig) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	context.AfterFunc(ctx, func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(handshakeTime))
	c, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		s.log().DebugContext(ctx, "ssh handshake", "from", conn.RemoteAddr(), "err", err)
		return
	}
	_ = conn.SetDeadline(time.Time{})
	g, ok := c.Permissions.ExtraData[grantKey{}].(Grant)
	if !ok {
		return
	}
	v := &visitor{server: s, grant: g}
	go ssh.DiscardRequests(requests) // answers keep-alives
	go keepAlive(ctx, c)
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
