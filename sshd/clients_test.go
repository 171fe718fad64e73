package sshd

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/kigo-dev/kigo"
)

func TestWhatRunsEndsWithTheRightToIt(t *testing.T) {
	t.Parallel()
	f := serve(t)
	s := f.session(t)
	in, err := s.StdinPipe() // what runs waits for it
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := s.Start("cat it"); err != nil {
		t.Fatal(err)
	}
	f.change(func() { f.denied = kigo.Conflict("The dyno has ended.") }) // this alone ends nothing
	if g, err := f.open(f.user(t), f.signer.PublicKey()); err != nil || g.Authorization != grant.Authorization || g.Account != someone || g.Dyno != web1 {
		t.Errorf("the grant is %+v, %v", g, err)
	}
	f.change(func() { f.denied = kigo.NotFound("app") })
	ended := make(chan error, 1)
	go func() { ended <- s.Wait() }()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Error("it runs on")
	}
}

func TestOneClientCannotHoldAllPlaces(t *testing.T) {
	t.Parallel()
	f := serve(t)
	var silent []net.Conn
	for range maxOfClient {
		c, err := net.Dial("tcp", f.addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		silent = append(silent, c)
	}
	for _, c := range silent { // each has its place: the server greets
		_ = c.SetDeadline(time.Now().Add(time.Minute))
		if _, err := io.ReadFull(c, make([]byte, 8)); err != nil {
			t.Fatalf("a connection below the limit: %v", err)
		}
	}
	if c, err := f.dial(t, f.user(t), f.signer); err == nil {
		t.Errorf("one more than the limit came in: %v", c)
	}
	_ = silent[0].Close()
	for end := time.Now().Add(time.Minute); ; <-time.After(10 * time.Millisecond) {
		_, err := f.dial(t, f.user(t), f.signer)
		if err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("a place that was given back: %v", err)
		}
	}
}

// Over the router's socket each connection says whom it is from.
func TestTheRouterSaysWhomItPassesOn(t *testing.T) {
	t.Parallel()
	f := serve(t)
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = f.Run(t.Context(), l) }()
	dial := func(head string) (net.Conn, error) {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		_ = c.SetDeadline(time.Now().Add(time.Minute))
		if _, err := io.WriteString(c, head); err != nil {
			t.Fatal(err)
		}
		_, err = io.ReadFull(c, make([]byte, 8))
		return c, err
	}
	for _, bad := range []string{"SSH-2.0-client\r\n", "kigo-client nobody\n", "kigo-client " + string(bytes.Repeat([]byte{'1'}, 600))} {
		if _, err := dial(bad); err == nil {
			t.Errorf("%.30q was greeted", bad)
		}
	}
	for range maxOfClient {
		if _, err := dial("kigo-client 2001:db8::1\n"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := dial("kigo-client 2001:db8::ffff\n"); err == nil {
		t.Error("another address of the same network was greeted beyond the limit")
	}
	c, err := dial("kigo-client 192.0.2.1\n")
	if err != nil {
		t.Fatalf("another client: %v", err)
	}
	_ = c.Close()
	far, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(far, "kigo-client 192.0.2.2\n")
	conn, channels, requests, err := ssh.NewClientConn(far, "kigo", &ssh.ClientConfig{
		User: f.user(t), Auth: []ssh.AuthMethod{ssh.PublicKeys(f.signer)}, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
	})
	if err != nil {
		t.Fatal(err)
	}
	_ = ssh.NewClient(conn, channels, requests).Close()
}

func TestNetworksAreWhatOneClientMayHaveWhole(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.7": "192.0.2.7", "::ffff:192.0.2.7": "192.0.2.7", "2001:db8:1:2:3::4": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64",
	} {
		if got := network(netip.MustParseAddr(in)); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
