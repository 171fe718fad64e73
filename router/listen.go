package router

import (
	"crypto/tls"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// begin does what comes before the first request.
func (c *conn) begin() {
	if c.rt.config.ProxyHeader {
		c.wire.within(c.rt.limits.Head)
		peer, err := readProxy(c.wire.tcp)
		if err != nil {
			c.end()
			return
		}
		if peer != "" {
			c.peer = peer
		}
	}
	switch {
	case !c.rt.seat(c):
		c.end()
	case c.sni == handshaking:
		c.shake()
	default:
		c.serve()
	}
}

func (r *Router) left(c *conn) {
	r.mu.Lock()
	delete(r.conns, c)
	if c.seat != "" {
		if r.seats[c.seat]--; r.seats[c.seat] == 0 {
			delete(r.seats, c.seat)
		}
	}
	r.mu.Unlock()
}

// seat counts the connection under its client's network; false when that has as
// many as it may. Clients on this machine are not counted: they are proxies.
func (r *Router) seat(c *conn) bool {
	a, err := netip.ParseAddr(c.peer)
	if err != nil || a.IsLoopback() {
		return true
	}
	network := c.peer
	if a.Is6() {
		p, _ := a.Prefix(64) // what one customer has at least
		network = p.String()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seats[network] >= r.limits.PerClient {
		return false
	}
	r.seats[network]++
	c.seat = network
	return true
}

func (r *Router) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.conns)
}

const handshaking = "\x00" // sni before it is known

func (r *Router) newClient(a *acceptor, s *socket) *conn {
	if !a.secure {
		return r.newConn(r.clock.newWire(s, s), a.door)
	}
	c := r.newConn(r.clock.newWire(tls.Server(s, r.tls), s), a.door)
	c.sni = handshaking
	return c
}

// shake makes the TLS handshake.
func (c *conn) shake() {
	c.wire.within(c.rt.limits.Head)
	t := c.wire.Conn.(*tls.Conn)
	if err := t.Handshake(); err != nil {
		c.end()
		return
	}
	state := t.ConnectionState()
	c.sni = state.ServerName
	c.protocol = " protocol=http1.1 tls=true tls_version=" + tlsVersion(state.Version)
	if state.NegotiatedProtocol == "h2" {
		c.serveHTTP2(t)
		return
	}
	c.serve()
}

func tlsVersion(v uint16) string {
	if v == tls.VersionTLS12 {
		return "tls1.2"
	}
	return "tls1.3"
}

// descriptorShare is how many clients leave enough descriptors for as many
// connections to dynos, and a reserve.
func descriptorShare() int64 {
	const most, reserve = 100_000, 512
	limit := descriptors()
	if limit > 2*most+reserve {
		return most
	}
	return max(64, (int64(limit)-reserve)/2)
}

// descriptors is how many this process may have.
func descriptors() uint64 {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return 1024 // what is usual
	}
	return limit.Cur
}

// drain waits until no connection is left, or cuts the rest.
func (r *Router) drain() {
	end := time.Now().Add(r.limits.Drain)
	r.hurryIdle()
	for r.workers.Load() > 0 {
		if time.Now().After(end) || r.hurried.Load() {
			close(r.cut)
			r.cutAll()
			break
		}
		time.Sleep(tick / 4)
	}
	for end = time.Now().Add(5 * time.Second); r.workers.Load() > 0 && time.Now().Before(end); {
		time.Sleep(tick / 4)
	}
}

// hurryIdle leaves idle connections a few seconds for another request, which is
// then answered with Connection: close. Closing them at once would lose one that
// is on its way.
func (r *Router) hurryIdle() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.conns {
		if s := c.session.Load(); s != nil {
			s.part()
			continue
		}
		if at := c.wire.deadline.Load(); c.idle.Load() && at != 0 {
			c.wire.deadline.CompareAndSwap(at, r.clock.after(r.limits.Leave)) // not when it has just become busy
		}
	}
}

// cutAll interrupts all connections.
func (r *Router) cutAll() {
	for i := range r.clock.shards {
		s := &r.clock.shards[i]
		s.mu.Lock()
		for _, w := range s.wires {
			w.interrupt(reasonForced)
		}
		s.mu.Unlock()
	}
}

const trimEvery = 5 * time.Second

// trim closes idle connections to dynos now and then.
func (r *Router) trim(stop <-chan struct{}) {
	t := time.NewTicker(trimEvery)
	defer t.Stop()
	for {
		select {
		case <-stop:
			return
		case <-t.C:
			r.eachDyno(func(d *dyno) { d.pool.trim(r.clock.now.Load()) })
		}
	}
}

func (r *Router) eachDyno(f func(*dyno)) {
	for _, a := range r.table.all() {
		for _, d := range a.view.Load().all {
			f(d)
		}
	}
}
