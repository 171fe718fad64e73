package router

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
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
	t.Parallel()
	s, c := accepted(t)
	b := make([]byte, 64)
	if n, err := s.Read(b); err != nil || string(b[:n]) != "hello" {
		t.Fatalf("read %q, %v", b[:n], err)
	}
	if _, err := io.WriteString(s, "hi"); err != nil || s.file.Load() != nil {
		t.Fatalf("written with %v, watched: %v", err, s.file.Load() != nil)
	}
	go func() {
		for s.file.Load() == nil { // until the reader waits
			time.Sleep(time.Millisecond)
		}
		_, _ = io.WriteString(c, "again")
	}()
	if n, err := s.Read(b); err != nil || string(b[:n]) != "again" || s.file.Load() == nil {
		t.Fatalf("read %q, %v, watched: %v", b[:n], err, s.file.Load() != nil)
	}
	_ = c.CloseWrite()
	if n, err := s.Read(b); n != 0 || err != io.EOF {
		t.Errorf("after the client's last byte: %d, %v", n, err)
	}
}

func TestASocketTakesMoreThanTheKernelDoesAtOnce(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
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
			set := make(chan struct{})
			time.AfterFunc(20*time.Millisecond, func() { _ = s.SetDeadline(longAgo); close(set) })
			if _, err := s.Read(b); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("read: %v", err)
			}
			<-set // for writes as well
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

// TestTheLastAnswerOfAConnectionArrivesWhole has clients that ask for the end of
// their connections, or end their own side as well.
func TestTheLastAnswerOfAConnectionArrivesWhole(t *testing.T) {
	t.Parallel()
	r := startRouter(t, Config{Limits: calm})
	r.serve(t, goDyno(t, func(w http.ResponseWriter, q *http.Request) {
		n, _ := strconv.Atoi(q.URL.Path[1:])
		w.Header().Set("Content-Length", strconv.Itoa(n))
		_, _ = w.Write(bytes.Repeat([]byte("x"), n))
	}))
	for _, n := range []int{0, 1, 128, 8000, 70_000, 1 << 20} {
		for name, more := range map[string]func(c net.Conn){
			"asks":       func(net.Conn) {},
			"half-ended": func(c net.Conn) { _ = c.(*net.TCPConn).CloseWrite() },
		} {
			t.Run(name+"/"+strconv.Itoa(n), func(t *testing.T) {
				t.Parallel()
				c, in := dialRaw(t, r.addr)
				fmt.Fprintf(c, "GET /%d HTTP/1.1\r\n"+host+"Connection: close\r\n\r\n", n)
				more(c)
				res, err := http.ReadResponse(in, nil)
				if err != nil {
					t.Fatal(err)
				}
				if got := len(bodyOf(t, res)); got != n || !res.Close {
					t.Errorf("%d bytes of %d, close: %v", got, n, res.Close)
				}
				if _, err := in.ReadByte(); err != io.EOF {
					t.Errorf("then %v, want the end", err)
				}
			})
		}
	}
}

// TestWhatWaitsForTheEndIsSentWhenItIsAskedFor is about clients of which the router
// wants to know whether they have their answer.
func TestWhatWaitsForTheEndIsSentWhenItIsAskedFor(t *testing.T) {
	t.Parallel()
	s, c := accepted(t)
	w := newClock(time.Second).newWire(s, s)
	if n, err := w.put([]byte("last"), true); n != 4 || err != nil {
		t.Fatal(n, err)
	}
	if !w.taken(10 * time.Second) {
		t.Error("it was not taken")
	}
	b := make([]byte, 4)
	if _, err := io.ReadFull(c, b); err != nil || string(b) != "last" {
		t.Errorf("got %q, %v", b, err)
	}
	w.close()
}
