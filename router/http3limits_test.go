package router

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

func TestHTTP3TakesHeadsAsLongAsOthersDo(t *testing.T) {
	t.Parallel()
	r, addr := startHTTP3(t, Config{Limits: calm})
	headers := make(chan int, 1)
	r.serve(t, goDyno(t, func(_ http.ResponseWriter, q *http.Request) { headers <- len(q.Header) }))
	client := h3Client(t, addr)
	for name, c := range map[string]struct {
		headers, length, status int
	}{
		"many short ones":        {900, 40, 200}, // with what each costs besides, they are more than a head may have
		"too many":               {1001, 1, 431},
		"one that is long":       {1, 8000, 200},
		"one that is too long":   {1, 9000, 431},
		"more than 64 KiB":       {40, 2000, 431},
		"more than is looked at": {200, 2000, 431},
	} {
		q, _ := http.NewRequest(http.MethodGet, "https://demo.test/", nil)
		for i := range c.headers {
			q.Header.Set(fmt.Sprint("X-", i), strings.Repeat("v", c.length))
		}
		res, err := client.Do(q)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if bodyOf(t, res); res.StatusCode != c.status {
			t.Errorf("%s: %s, want %d", name, res.Status, c.status)
		}
		if res.StatusCode == http.StatusOK {
			if n := <-headers; n < c.headers {
				t.Errorf("%s: the dyno saw %d headers", name, n)
			}
		}
	}
}

// TestAnHTTP3ClientWithoutAWholeRequestIsCut sends a head byte by byte. A request that is
// answered meanwhile, for longer than a connection may be idle, is not cut.
func TestAnHTTP3ClientWithoutAWholeRequestIsCut(t *testing.T) {
	t.Parallel()
	r, addr := startHTTP3(t, Config{Limits: Limits{Idle: 3 * time.Second, Leave: tick}})
	arrived, release := make(chan struct{}), make(chan struct{})
	r.serve(t, goDyno(t, func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-release
		fmt.Fprint(w, "at last")
	}))
	other := make(chan string, 1)
	go func() {
		res, err := h3Client(t, addr).Get("https://demo.test/")
		if err != nil {
			other <- err.Error()
			return
		}
		body, err := io.ReadAll(res.Body)
		other <- fmt.Sprint(string(body), err)
	}()
	select {
	case <-arrived:
	case early := <-other:
		t.Fatal(early)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	q, err := quic.DialAddr(ctx, addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{http3.NextProtoH3}},
		&quic.Config{KeepAlivePeriod: tick / 2, MaxIdleTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = q.CloseWithError(0, "") }()
	st, err := q.OpenStreamSync(ctx)
	if err != nil {
		t.Fatal(err)
	}
	drip := time.NewTicker(tick / 2)
	defer drip.Stop()
	for text := []byte{1, 0x7f, 0xff}; ; text = []byte{0} { // HEADERS, of 16383 bytes
		if _, err = st.Write(text); err != nil {
			break
		}
		select {
		case <-drip.C:
		case <-ctx.Done():
			t.Fatal("it is still there")
		}
	}
	var closed *quic.ApplicationError
	if !errors.As(err, &closed) || closed.ErrorCode != quic.ApplicationErrorCode(http3.ErrCodeNoError) {
		t.Errorf("it ended with %v", err)
	}
	close(release)
	if got := <-other; got != "at last<nil>" {
		t.Errorf("another client got %s", got)
	}
}

// TestAnHTTP3ClientWaitsLongerThanItsConnectionMayBeSilent has a request wait as for a dyno that starts.
func TestAnHTTP3ClientWaitsLongerThanItsConnectionMayBeSilent(t *testing.T) {
	t.Parallel()
	const silence = 5 * time.Second // the least that both sides take as it is
	r, addr := startHTTP3(t, Config{Limits: Limits{Leave: tick}})
	r.serve(t, goDyno(t, func(w http.ResponseWriter, _ *http.Request) {
		<-time.After(silence + time.Second)
		fmt.Fprint(w, "at last")
	}))
	client := h3Client(t, addr)
	client.Transport.(*http3.Transport).Dial = func(ctx context.Context, _ string, secure *tls.Config, _ *quic.Config) (*quic.Conn, error) {
		return quic.DialAddr(ctx, addr, secure, &quic.Config{MaxIdleTimeout: silence})
	}
	res, err := client.Get("https://demo.test/")
	if err != nil || bodyOf(t, res) != "at last" {
		t.Errorf("%v %v", res, err)
	}
}

// TestAnEndingRouterWaitsForTheLastBytesOfHTTP3 loses all packets to the client from before the answer
// until the router has nothing more to do.
func TestAnEndingRouterWaitsForTheLastBytesOfHTTP3(t *testing.T) {
	t.Parallel()
	r, addr := startHTTP3(t, Config{Limits: Limits{Drain: 20 * time.Second, Leave: tick}})
	var losing atomic.Bool
	arrived, release := make(chan struct{}), make(chan struct{})
	r.serve(t, goDyno(t, func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-release
		fmt.Fprint(w, "answer")
	}))
	client := h3Client(t, lossy(t, addr, &losing))
	got := make(chan string, 1)
	go func() {
		res, err := client.Get("https://demo.test/")
		if err != nil {
			got <- err.Error()
			return
		}
		body, err := io.ReadAll(res.Body)
		got <- fmt.Sprint(string(body), err)
	}()
	select {
	case <-arrived:
	case early := <-got:
		t.Fatal(early)
	}
	ended := make(chan struct{})
	go func() { r.stop(); close(ended) }()
	eventually(t, "the router to end", func() bool { return r.alternative.Load() == nil })
	<-time.After(3 * tick) // clients have had time to leave
	losing.Store(true)
	close(release)
	r.logs.find(t, "status=200 bytes=6 protocol=http3.0")
	<-time.After(2 * tick) // the router looks every tick
	losing.Store(false)
	if s := <-got; s != "answer<nil>" {
		t.Errorf("the client got %s", s)
	}
	<-ended
}

// lossy carries datagrams of one client to addr, and what comes back unless it is losing.
func lossy(t *testing.T, addr string, losing *atomic.Bool) string {
	t.Helper()
	front, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	back, err := net.Dial("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = front.Close(), back.Close() })
	var client atomic.Pointer[net.Addr]
	go func() {
		buf := make([]byte, 64<<10)
		for {
			n, from, err := front.ReadFrom(buf)
			if err != nil {
				return
			}
			client.Store(&from)
			_, _ = back.Write(buf[:n])
		}
	}()
	go func() {
		buf := make([]byte, 64<<10)
		for {
			n, err := back.Read(buf)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil && !losing.Load() {
				_, _ = front.WriteTo(buf[:n], *client.Load())
			}
		}
	}()
	return front.LocalAddr().String()
}

// What heads are there in parts is held for each stream of a connection.
func TestAnHTTP3ConnectionHasFewStreamsAtOnce(t *testing.T) {
	t.Parallel()
	_, addr := startHTTP3(t, Config{Limits: calm})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	q, err := quic.DialAddr(ctx, addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{http3.NextProtoH3}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer q.CloseWithError(0, "")
	n := 0
	for ; n <= h3Streams; n++ {
		_, err := q.OpenStream()
		if errors.As(err, new(*quic.StreamLimitReachedError)) {
			break
		}
		if err != nil {
			t.Fatalf("%T: %v", err, err)
		}
	}
	if n != h3Streams {
		t.Errorf("%d streams at once, not %d", n, h3Streams)
	}
}
