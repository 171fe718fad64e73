package router

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kigo-dev/kigo"
)

// Config is what a router needs. Listeners belong to the router from Run on.
type Config struct {
	HTTP         []net.Listener                                       // of TCP
	HTTPS        []net.Listener                                       // of TCP
	Certificates func(*tls.ClientHelloInfo) (*tls.Certificate, error) // asked for each handshake
	HTTP3        *HTTP3                                               // nil: not spoken
	ProxyHeader  bool                                                 // every connection begins with a PROXY protocol header
	Socket       string                                               // unix socket on which control sends snapshots; empty: none
	SnapshotPath string                                               // where the routes are kept; empty: nowhere
	UsageDir     string                                               // where a router that ends leaves counts that control has not taken; empty: nowhere
	SSH          string                                               // unix socket of the server of ps:exec, for SSH on an HTTP port; empty: none
	Logs         LogSink                                              // nil: no access lines
	Log          *slog.Logger                                         // nil: slog.Default
	Limits       Limits                                               // zero fields mean Heroku's
}

// Limits are Heroku's times and counts; tests make them shorter.
type Limits struct {
	Connect   time.Duration // to a dyno, each try (H19)
	FirstByte time.Duration // of a response after the whole request (H12)
	Rolling   time.Duration // between bytes in either direction (H15, H28)
	Boot      time.Duration // wait for a dyno to be up (H20)
	Aside     time.Duration // how long a dyno that refused is set aside
	Idle      time.Duration // a client's connection between requests
	Head      time.Duration // to read a request's head, or for a TLS handshake
	Leave     time.Duration // as Idle, once the router ends
	Drain     time.Duration // after which what is left is cut (H24)
	Usage     time.Duration // how long one Usage is
	Backlog   int64         // outstanding requests per web dyno (H11)
	Tunnels   int64         // upgraded connections per app (H22)
	Clients   int64         // connections in all; by default what the limit of descriptors allows
	PerClient int64         // connections of one address, or of 2^64 in IPv6
}

func (l Limits) withDefaults() Limits {
	d := func(v *time.Duration, def time.Duration) {
		if *v == 0 {
			*v = def
		}
	}
	d(&l.Connect, 5*time.Second)
	d(&l.FirstByte, 30*time.Second)
	d(&l.Rolling, 55*time.Second)
	d(&l.Boot, 75*time.Second)
	d(&l.Aside, 5*time.Second)
	d(&l.Idle, 60*time.Second)
	d(&l.Head, 10*time.Second)
	d(&l.Leave, 5*time.Second)
	d(&l.Drain, 60*time.Second)
	d(&l.Usage, 10*time.Second)
	n := func(v *int64, def int64) {
		if *v == 0 {
			*v = def
		}
	}
	n(&l.Backlog, 200)
	n(&l.Tunnels, 10_000)
	n(&l.Clients, descriptorShare())
	n(&l.PerClient, 1000)
	return l
}

// GCPercent suits a process that is a router: requests allocate next to nothing,
// so that collecting early costs little, and connections that wait hold less.
const GCPercent = 50

// Router is a running router.
type Router struct {
	config      Config
	limits      Limits
	log         *slog.Logger
	table       *table
	demand      demand
	leaving     leaving
	keeper      *keeper // nil: nothing is kept
	clock       *clock
	access      *accessLog
	usage       *usageBook
	acceptors   []*acceptor
	dialer      *net.Dialer
	tls         *tls.Config
	suffix      string // of hosts in https URLs: ":8443", or nothing when that is the usual port
	draining    atomic.Bool
	alternative atomic.Pointer[string] // header line that tells of HTTP/3; nil: it is not served
	hurried     atomic.Bool
	cut         chan struct{} // closed when what is left is cut

	mu     sync.Mutex // of what follows
	conns  map[*conn]struct{}
	seats  map[string]int64 // connections by client's network
	served atomic.Int64     // connections accepted since the start

	workers atomic.Int64 // goroutines that have a connection, or look for one
}

// Run serves until ctx is done, then stops accepting, answers what it has with
// Connection: close, and returns when no connection is left, at most
// Limits.Drain later. It returns an error only when it cannot start.
func Run(ctx context.Context, config Config) error {
	r, err := New(config)
	if err != nil {
		return err
	}
	return r.Run(ctx)
}

// New reads the kept snapshot, so that the first request finds its app.
func New(config Config) (*Router, error) {
	r := &Router{config: config, limits: config.Limits.withDefaults(), log: config.Log, cut: make(chan struct{}), conns: map[*conn]struct{}{}, seats: map[string]int64{}, table: newTable()}
	if config.SnapshotPath != "" {
		r.keeper = newKeeper(config.SnapshotPath, func(err error) { r.log.Error("routes not kept", "error", err) })
	}
	if r.log == nil {
		r.log = slog.Default()
	}
	if len(config.HTTPS) > 0 && config.Certificates == nil {
		return nil, errors.New("start router: an HTTPS listener needs certificates")
	}
	if config.Logs == nil {
		r.config.Logs = noLogs{}
	}
	r.clock = newClock(r.limits.Rolling / sendSteps)
	r.access = newAccessLog(r.config.Logs)
	r.usage = newUsageBook(config.UsageDir)
	r.dialer = &net.Dialer{Timeout: r.limits.Connect, KeepAlive: -1}
	r.tls = &tls.Config{GetCertificate: config.Certificates, NextProtos: []string{"h2", "http/1.1"}, MinVersion: tls.VersionTLS12}
	r.suffix = portSuffix(config.HTTPS)
	if err := r.listen(); err != nil {
		return nil, fmt.Errorf("start router: %w", err)
	}
	if config.SnapshotPath != "" {
		r.restore()
	}
	return r, nil
}

func (r *Router) listen() error {
	for i, l := range append(slices.Clone(r.config.HTTP), r.config.HTTPS...) {
		a, err := newAcceptor(l, i >= len(r.config.HTTP))
		if err != nil {
			return err
		}
		r.acceptors = append(r.acceptors, a)
	}
	return nil
}

type noLogs struct{}

func (noLogs) WriteLine(app kigo.AppID, _ time.Time, _ []byte) {}

// Apply makes a snapshot the one that is served.
func (r *Router) Apply(s *Snapshot) error {
	if err := s.Validate(); err != nil {
		return err
	}
	r.install(s)
	return nil
}

func (r *Router) install(s *Snapshot) { r.leaving.add(r.table.applySnapshot(s)) }

// errBase is what a change meets that builds on other routes than are served.
var errBase = errors.New("apply change: it builds on another revision")

// Change makes some apps what c says of them.
func (r *Router) Change(c *Change) error {
	if err := c.Validate(); err != nil {
		return err
	}
	unused, ok := r.table.applyChange(c)
	if !ok {
		return errBase
	}
	r.leaving.add(unused)
	return nil
}

// Revision is that of the routes being served; 0 without any.
func (r *Router) Revision() int64 { return r.table.revision.Load() }

// Hurry cuts what is left d after it is called, once the router ends: nobody
// takes over from it.
func (r *Router) Hurry(d time.Duration) { time.AfterFunc(d, func() { r.hurried.Store(true) }) }

// Run is the package's Run for a router that New made.
func (r *Router) Run(ctx context.Context) error {
	stop := make(chan struct{})
	var parts, accepting sync.WaitGroup
	feed, err := r.listenFeed()
	if err != nil {
		return fmt.Errorf("start router: %w", err)
	}
	parts.Go(func() { r.clock.run(stop) })
	parts.Go(func() { r.access.run(stop) })
	parts.Go(func() { r.trim(stop) })
	parts.Go(func() { r.usage.run(r.limits.Usage, stop) })
	if feed != nil {
		parts.Go(func() { r.serveFeed(feed) })
	}
	if r.keeper != nil {
		parts.Go(func() { r.keeper.run(keepAgain, stop) })
	}
	if r.config.HTTP3 != nil {
		parts.Go(func() {
			if err := r.serveHTTP3(ctx); err != nil {
				r.log.Error("HTTP/3 is not served", "error", err)
			}
		})
	}
	for _, a := range r.acceptors {
		accepting.Go(func() { r.accept(a) })
	}
	<-ctx.Done()
	r.draining.Store(true)
	if r.keeper != nil {
		r.keeper.leave()
	}
	r.demand.tell()
	r.usage.wake()
	for _, l := range append(r.config.HTTP, r.config.HTTPS...) {
		_ = l.Close()
	}
	for _, a := range r.acceptors {
		a.close()
	}
	accepting.Wait()
	r.drain()
	if err := r.usage.end(); err != nil {
		r.log.Error("usage lost", "error", err)
	}
	if feed != nil {
		_ = feed.Close()
	}
	close(stop)
	parts.Wait()
	r.eachDyno(func(d *dyno) { d.pool.close() })
	return nil
}
