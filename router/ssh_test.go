package router

import (
	"bufio"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"
)

func TestSSHOnThePortOfAppsIsPassedOn(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "exec.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = io.WriteString(conn, "SSH-2.0-kigo\r\n")
		_, _ = io.Copy(conn, conn)
		_ = conn.Close()
	}()
	rig := startRouter(t, Config{SSH: socket})
	conn, err := net.Dial("tcp", rig.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	_, _ = io.WriteString(conn, "SSH-2.0-client\r\n")
	in := bufio.NewReader(conn)
	for _, want := range []string{"SSH-2.0-kigo\r\n", "kigo-client 127.0.0.1\n", "SSH-2.0-client\r\n"} {
		if line, err := in.ReadString('\n'); err != nil || line != want {
			t.Fatalf("got %q %v, want %q", line, err, want)
		}
	}
	_, _ = io.WriteString(conn, "more")
	_ = conn.(*net.TCPConn).CloseWrite()
	if rest, err := io.ReadAll(in); err != nil || string(rest) != "more" {
		t.Errorf("got %q %v", rest, err)
	}
}
