package router

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"golang.org/x/net/http2/hpack"
	"golang.org/x/sys/unix"
)

// HTTP3 is where a router speaks HTTP/3. The library frames it; each request becomes the
// text of one of HTTP/1.1 and is carried as all others are (docs/decisions/0031-http3.md).
type HTTP3 struct {
	Conn net.PacketConn // of UDP, the router's from Run on
	Lock string         // a file that one router at a time holds: two cannot read one socket
}

// front is HTTP/3 while it is served.
type front struct {
	rt        *Router
	forwarded string
	requests  atomic.Int64
	answered  atomic.Int64 // when the last handler returned, after the clock's start
}

// h3Flight is how long the last bytes of an answer may be on their way, lost once or twice and
// sent again, after its handler has returned: the library does not say when they have arrived.
const h3Flight = 3 * time.Second

// h3Silence is how long a client may be gone. One that is there answers our pings: else it would
// leave itself while its request waits for a dyno.
const h3Silence = 30 * time.Second

// h3Streams is how many requests of a connection may be under way: the library holds what
// there is of their heads, up to h2HeadMost each, for as long as it takes.
const h3Streams = 16

// serveHTTP3 serves from when no other router does until ctx is done, and all is answered
// or cut.
func (r *Router) serveHTTP3(ctx context.Context) error {
	lock, err := lockAlone(ctx, r.config.HTTP3.Lock)
	if lock == nil {
		return err
	}
	defer lock.Close()
	transport := &quic.Transport{Conn: r.config.HTTP3.Conn}
	defer func() { _ = transport.Close() }()
	l, err := transport.Listen(http3.ConfigureTLSConfig(&tls.Config{GetCertificate: r.config.Certificates, MinVersion: tls.VersionTLS13}), &quic.Config{
		MaxIdleTimeout: h3Silence, KeepAlivePeriod: h3Silence / 3, HandshakeIdleTimeout: r.limits.Head, MaxIncomingStreams: h3Streams, MaxIncomingUniStreams: 8,
		InitialStreamReceiveWindow: h2StreamWindow, MaxStreamReceiveWindow: h2StreamWindow,
		InitialConnectionReceiveWindow: h2ConnWindow, MaxConnectionReceiveWindow: h2ConnWindow,
	})
	if err != nil {
		return err
	}
	f := &front{rt: r, forwarded: newDoor(tcpAddr(l.Addr()), true).forwarded}
	server := &http3.Server{Handler: f, MaxHeaderBytes: h2HeadMost, ConnContext: f.visit, Logger: r.log}
	ended := make(chan error, 1)
	go func() { ended <- server.ServeListener(seats{l, r}) }()
	line := `Alt-Svc: h3=":` + strconv.Itoa(tcpAddr(l.Addr()).Port) + `"; ma=3600` + "\r\n"
	r.alternative.Store(&line)
	select {
	case <-ctx.Done():
	case err = <-ended:
	}
	r.alternative.Store(nil)
	_ = l.Close() // new connections are refused: their clients come by TCP
	rest, cancel := context.WithCancel(context.Background())
	var leaving sync.WaitGroup
	leaving.Go(func() { f.leave(rest, cancel) })
	_ = server.Shutdown(rest)
	cancel()
	leaving.Wait()
	return err
}

// leave calls cut once clients have had time to go, nothing is under way, and what was
// has had time to arrive; or it returns when all have gone before.
func (f *front) leave(gone context.Context, cut func()) {
	defer cut()
	first := time.After(f.rt.limits.Leave)
	look := time.NewTicker(tick)
	defer look.Stop()
	for waited := false; !waited || f.requests.Load() > 0 || f.age()-time.Duration(f.answered.Load()) < h3Flight; {
		select {
		case <-gone.Done():
			return
		case <-f.rt.cut:
			return
		case <-first:
			waited = true
		case <-look.C:
		}
	}
}

// age is how long the router runs.
func (f *front) age() time.Duration { return time.Since(f.rt.clock.start) }

func tcpAddr(a net.Addr) *net.TCPAddr {
	u := a.(*net.UDPAddr)
	return &net.TCPAddr{IP: u.IP, Port: u.Port}
}

// lockAlone returns once no other process holds the file; nil when ctx is done before.
func lockAlone(ctx context.Context, path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	look := time.NewTicker(tick)
	defer look.Stop()
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
		}
		select {
		case <-ctx.Done():
			return nil, f.Close()
		case <-look.C:
		}
	}
}

// seats counts connections as those by TCP are counted.
type seats struct {
	*quic.Listener
	rt *Router
}

// Accept refuses clients that have as many connections as they may.
func (s seats) Accept(ctx context.Context) (*quic.Conn, error) {
	for {
		q, err := s.Listener.Accept(ctx)
		if err != nil {
			return nil, err
		}
		c := &conn{rt: s.rt, peer: peerText(q.RemoteAddr().String())}
		if s.rt.served.Add(1); s.rt.workers.Load() >= s.rt.limits.Clients || !s.rt.seat(c) {
			_ = q.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeExcessiveLoad), "too many connections")
			continue
		}
		s.rt.workers.Add(1)
		context.AfterFunc(q.Context(), func() {
			s.rt.left(c)
			s.rt.workers.Add(-1)
		})
		return q, nil
	}
}

func peerText(addr string) string {
	a, err := netip.ParseAddrPort(addr)
	if err != nil {
		return ""
	}
	return a.Addr().Unmap().WithZone("").String()
}

// ServeHTTP carries one request.
func (f *front) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	v := q.Context().Value(visitKey{}).(*visit)
	f.requests.Add(1)
	v.enter()
	defer func() {
		v.leave()
		f.answered.Store(int64(f.age()))
		f.requests.Add(-1)
	}()
	h, body := h3Head(q)
	if h.bad != "" {
		h.drop()
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	st := &h3stream{w: w, request: q, control: http.NewResponseController(w), tunnel: h.tunnel(), left: -1}
	st.body.chunked = body && h.length < 0
	wire := f.rt.clock.newWire(st, nil)
	wire.stream = st
	c := &conn{rt: f.rt, wire: wire, in: h.out, peer: peerText(q.RemoteAddr), forwarded: f.forwarded, sni: q.TLS.ServerName, stream: st,
		via: "3.0 " + viaWord, protocol: " protocol=http3.0 tls=true tls_version=tls1.3", first: lazyReader{w: wire}}
	wire.within(f.rt.limits.Head)
	x := newExchange(c)
	c.guard(x)
	whole := x.status != 0 && (x.code == nil || !x.started) && x.status != 499
	x.free()
	c.end()
	if !whole || !st.begun {
		panic(http.ErrAbortHandler) // the library resets the stream
	}
}

// h3Head writes a request's head as HTTP/1.1 text, by the rules for that of HTTP/2. body
// is whether one may follow: a GET without a length has none.
func h3Head(q *http.Request) (h *h2Head, body bool) {
	h = &h2Head{}
	h.reset(false)
	field := func(name, value string) { h.field(hpack.HeaderField{Name: name, Value: value}) }
	field(":method", q.Method)
	field(":authority", q.Host)
	extended := q.Method == http.MethodConnect && q.Proto != "HTTP/3.0" // RFC 9220
	if extended {
		field(":protocol", q.Proto)
	}
	if q.Method != http.MethodConnect || extended {
		field(":scheme", "https")
		field(":path", q.RequestURI)
	}
	names := make([]string, 0, len(q.Header))
	for name := range q.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range q.Header[name] {
			field(strings.ToLower(name), value)
		}
	}
	body = h.length > 0 || h.length < 0 && q.Method != http.MethodGet && q.Method != http.MethodHead && q.Method != http.MethodConnect
	h.finish(body)
	return h, body
}
