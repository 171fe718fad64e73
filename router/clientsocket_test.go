package router

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// accepted is a client and the router's end of its connection.
func accepted(t *testing.T) (*socket, *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, err := newAcceptor(l, false)
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, "hello"); err != nil {
		t.Fatal(err)
	}
	s, err := a.wait()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if s.RemoteAddr().String() != c.LocalAddr().String() || s.LocalAddr().String() != l.Addr().String() {
		t.Fatalf("from %v to %v, want from %v to %v", s.RemoteAddr(), s.LocalAddr(), c.LocalAddr(), l.Addr())
	}
	return s, c.(*net.TCPConn)
}

func TestASocketIsWatchedOnlyOnceItHasToWait(t *testing.T) {
	s, c := accepted(t)
	b := make([]byte, 64)
	if n, err := s.Read(b); err != nil || string(b[:n]) != "hello" {
		t.Fatalf("read %q, %v", b[:n], err)
	}
	if _, err := io.WriteString(s, "hi"); err != nil || s.file.Load() != nil {
		t.Fatalf("written with %v, watched: %v", err, s.file.Load() != nil)
	}
	time.AfterFunc(20*time.Millisecond, func() { _, _ = io.WriteString(c, "again") })
	if n, err := s.Read(b); err != nil || string(b[:n]) != "again" || s.file.Load() == nil {
		t.Fatalf("read %q, %v, watched: %v", b[:n], err, s.file.Load() != nil)
	}
	_ = c.CloseWrite()
	if n, err := s.Read(b); n != 0 || err != io.EOF {
		t.Errorf("after the client's last byte: %d, %v", n, err)
	}
}

func TestASocketTakesMoreThanTheKernelDoesAtOnce(t *testing.T) {
	s, c := accepted(t)
	all := strings.Repeat("0123456789abcdef", 1<<20)
	got := make(chan string, 1)
	go func() {
		b, _ := io.ReadAll(c)
		got <- string(b)
	}()
	if n, err := io.WriteString(s, all); n != len(all) || err != nil {
		t.Fatalf("%d of %d written, %v", n, len(all), err)
	}
	_ = s.CloseWrite()
	if b := <-got; b != all {
		t.Errorf("%d of %d bytes arrived", len(b), len(all))
	}
}

func TestADeadlineEndsASocketWatchedOrNot(t *testing.T) {
	for name, watched := range map[string]bool{"watched": true, "not watched": false} {
		t.Run(name, func(t *testing.T) {
			s, _ := accepted(t)
			if watched {
				if _, err := s.enrol(); err != nil {
					t.Fatal(err)
				}
			}
			b := make([]byte, 5)
			if _, err := io.ReadFull(s, b); err != nil {
				t.Fatal(err)
			}
			time.AfterFunc(20*time.Millisecond, func() { _ = s.SetDeadline(longAgo) })
			if _, err := s.Read(b); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("read: %v", err)
			}
			if _, err := s.Write(b); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("write: %v", err)
			}
			_ = s.SetDeadline(noDeadline)
			if _, err := s.Write(b); err != nil {
				t.Errorf("write after the deadline was taken away: %v", err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if _, err := s.Write(b); err == nil {
				t.Error("written after the end")
			}
			if err := s.Close(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("closed twice: %v", err)
			}
		})
	}
}
