package cli

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/term"
)

// enter opens an SSH connection into the dyno of --dyno, with a key made for it.
func (c *call) enter() (*ssh.Client, string, error) {
	dyno := c.str("dyno")
	if dyno == "" {
		dyno = "web.1"
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, dyno, fmt.Errorf("make key: %w", err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		return nil, dyno, fmt.Errorf("make key: %w", err)
	}
	c.begin("Connecting to %s on %s", dyno, c.app)
	way, err := c.api.OpenTunnel(c, c.app, dyno, string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
	if err != nil {
		return nil, dyno, c.ended(err)
	}
	host, _, _, _, err := ssh.ParseAuthorizedKey([]byte(way.ProxyPublicKey))
	if err != nil {
		return nil, dyno, c.ended(fmt.Errorf("read the server's key: %w", err))
	}
	address := net.JoinHostPort(way.TunnelHost, strconv.Itoa(way.TunnelPort))
	conn, err := new(net.Dialer).DialContext(c, "tcp", address)
	if err != nil {
		return nil, dyno, c.ended(fmt.Errorf("reach %s: %w", dyno, err))
	}
	sc, channels, requests, err := ssh.NewClientConn(conn, address, &ssh.ClientConfig{
		User: way.ClientUser, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: ssh.FixedHostKey(host),
	})
	if err != nil {
		_ = conn.Close()
		return nil, dyno, c.ended(fmt.Errorf("enter %s: %w", dyno, err))
	}
	context.AfterFunc(c, func() { _ = sc.Close() })
	return ssh.NewClient(sc, channels, requests), dyno, nil
}

func psExec(c *call) error {
	if c.is("status") {
		return c.execStatus()
	}
	client, _, err := c.enter()
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	c.done("up")
	s, err := client.NewSession()
	if err != nil {
		return fmt.Errorf("open session: %w", err)
	}
	s.Stdin, s.Stdout, s.Stderr = c.in, c.out, c.err
	restore, err := c.execTerminal(s)
	if err != nil {
		return err
	}
	command := dynoCommand(c.args)
	if command == "" {
		err = s.Shell()
	} else {
		err = s.Start(command)
	}
	if err == nil {
		err = s.Wait()
	}
	restore()
	var exit *ssh.ExitError
	if errors.As(err, &exit) {
		return usage(exit.ExitStatus(), "Process exited with code %d", exit.ExitStatus())
	}
	var cut *ssh.ExitMissingError
	if errors.As(err, &cut) {
		return usage(1, "The connection to the dyno was ended. Is your token still good, and the app still yours to operate? kigo apps:info -a %s tells.", c.app)
	}
	return err
}

// execTerminal gives the session our terminal, if there is one, and returns what puts it back.
func (c *call) execTerminal(s *ssh.Session) (restore func(), err error) {
	in, isFile := c.in.(*os.File)
	out, shown := c.out.(*os.File)
	if !isFile || !shown || !term.IsTerminal(int(in.Fd())) || !term.IsTerminal(int(out.Fd())) {
		return func() {}, nil
	}
	fd := int(in.Fd())
	cols, rows, err := term.GetSize(fd)
	if err != nil {
		cols, rows = 80, 24
	}
	if err := s.RequestPty(os.Getenv("TERM"), rows, cols, nil); err != nil {
		return nil, fmt.Errorf("ask for a terminal: %w", err)
	}
	old, err := term.MakeRaw(fd)
	if err != nil {
		return nil, fmt.Errorf("prepare terminal: %w", err)
	}
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, syscall.SIGWINCH)
	go func() {
		for range resized {
			if cols, rows, err := term.GetSize(fd); err == nil {
				_ = s.WindowChange(rows, cols)
			}
		}
	}()
	return func() {
		signal.Stop(resized)
		close(resized)
		_ = term.Restore(fd, old)
	}, nil
}

func (c *call) execStatus() error {
	all, err := c.api.Reservations(c, c.app)
	if err != nil {
		return err
	}
	c.header("Exec %s", c.app)
	if len(all) == 0 {
		return sentence("No dyno can be entered. Check them with kigo ps.")
	}
	for _, r := range all {
		c.println("%s  running", r.DynoName)
	}
	return nil
}

func psCopy(c *call) (err error) {
	from, to := c.arg(0), c.str("output")
	if to == "" {
		to = filepath.Base(from)
	}
	c.println("Copying %s to %s", from, to)
	if _, err := os.Lstat(to); err == nil {
		return sentence("The local file %s already exists", to)
	}
	client, dyno, err := c.enter()
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	files, err := sftp.NewClient(client)
	if err != nil {
		return c.ended(fmt.Errorf("open files of %s: %w", dyno, err))
	}
	defer func() { _ = files.Close() }()
	remote, err := files.Open(from)
	if errors.Is(err, fs.ErrNotExist) {
		err = sentence("%s: no such file in %s", from, dyno)
	}
	if err != nil {
		return c.ended(err)
	}
	defer func() { _ = remote.Close() }()
	if info, err := remote.Stat(); err == nil && !info.Mode().IsRegular() {
		return c.ended(sentence("%s is no file", from))
	}
	local, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return c.ended(err)
	}
	_, err = remote.WriteTo(local)
	if err = errors.Join(err, local.Close()); err != nil {
		_ = os.Remove(to)
	}
	return c.ended(err)
}

// portPair is a local port and the dyno's that it leads to.
type portPair struct{ local, remote int }

func parsePorts(text string) (pairs []portPair, err error) {
	for part := range strings.SplitSeq(text, ",") {
		here, there, two := strings.Cut(part, ":")
		if !two {
			there = here
		}
		var p portPair
		for _, n := range []struct {
			text string
			port *int
		}{{here, &p.local}, {there, &p.remote}} {
			if *n.port, err = strconv.Atoi(n.text); err != nil || *n.port < 1 || *n.port > 65535 {
				return nil, usage(2, "%q is no port between 1 and 65535: say LOCAL or LOCAL:REMOTE, several divided by commas, such as 4000,9000:9001", n.text)
			}
		}
		pairs = append(pairs, p)
	}
	return pairs, nil
}

func psForward(c *call) error {
	pairs, err := parsePorts(c.arg(0))
	if err != nil {
		return err
	}
	client, dyno, err := c.enter()
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	c.done("up")
	for _, p := range pairs {
		l, err := new(net.ListenConfig).Listen(c, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(p.local)))
		if err != nil {
			return fmt.Errorf("listen on port %d: %w", p.local, err)
		}
		context.AfterFunc(c, func() { _ = l.Close() })
		c.println("Listening on %d and forwarding to %s:%d", p.local, dyno, p.remote)
		go c.forwardPort(l, client, p.remote)
	}
	c.println("Use CTRL+C to stop port forwarding")
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = client.Wait()
	}()
	select {
	case <-c.Done():
		return nil
	case <-ended:
		return sentence("The connection to %s has ended", dyno)
	}
}

func (c *call) forwardPort(l net.Listener, client *ssh.Client, port int) {
	for {
		near, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer near.Close()
			far, err := client.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
			if err != nil {
				c.warn("port %d: %v", port, err)
				return
			}
			defer far.Close()
			back := make(chan struct{})
			go func() {
				defer close(back)
				_, _ = io.Copy(near, far)
				_ = near.(*net.TCPConn).CloseWrite()
			}()
			_, _ = io.Copy(far, near)
			if half, ok := far.(interface{ CloseWrite() error }); ok {
				_ = half.CloseWrite()
			}
			<-back
		}()
	}
}
