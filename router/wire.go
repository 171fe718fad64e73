package router

import (
	"net"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// wire is one connection, to a client or to a dyno, with its coarse deadline. An
// interrupted wire fails every read and write from then on: it can only be closed.
type wire struct {
	net.Conn
	tcp      transport // the connection below, also below TLS; nil for a stream of HTTP/2 or HTTP/3
	plain    bool      // nothing is between: bytes are the socket's
	clock    *clock
	shard    *clockShard
	place    int
	deadline atomic.Int64 // coarse time; 0: none
	reason   atomic.Int32 // why it was interrupted; 0: it was not
	watched  atomic.Int32 // whether to look each tick if the peer has gone
	finished atomic.Bool  // the peer was seen to have sent its last byte
	onGone   *wire        // interrupted then; set while not watched
	idleAt   int64        // when it was put into a pool
	used     bool         // has carried an exchange before
	raw      syscall.RawConn
	fd       int32         // of the socket; only who may close the wire, or the clock under its lock, asks the kernel about it
	stream   carried       // when it is one of HTTP/2 or HTTP/3
	turn     turn          // with a dyno
	steps    atomic.Int32  // without progress that a write has left; 0: it is no write
	acked    atomic.Uint64 // bytes the peer had taken at the last step
}

// Reasons for an interrupt.
const (
	reasonLate   = 1 + iota // its deadline passed
	reasonAbort             // the other side of the exchange failed
	reasonForced            // the router ends
	reasonGone              // its peer has reset the connection
)

var (
	longAgo    = time.Unix(1, 0)
	noDeadline time.Time
)

func (k *clock) newWire(c net.Conn, tcp transport) *wire {
	w := &wire{Conn: c, tcp: tcp}
	if tcp != nil {
		w.plain = c == net.Conn(tcp)
		w.raw, _ = tcp.SyscallConn()
		_ = w.raw.Control(func(fd uintptr) { w.fd = int32(fd) })
	}
	k.add(w)
	return w
}

// within gives the next reads and writes d from now to make progress.
func (w *wire) within(d time.Duration) {
	w.steps.Store(0)
	w.deadline.Store(w.clock.after(d))
}

// sending gives a write as long as its peer takes something every now and then:
// the clock looks each step whether it did.
func (w *wire) sending() {
	w.steps.Store(sendSteps)
	w.deadline.Store(w.clock.after(w.clock.step))
}

const (
	sendSteps = 11   // of 5 s
	sendLeast = 1024 // bytes that are progress: the kernel's own probes get a few through
)

// stalled is called by the clock when a deadline has passed. It reports whether
// that is the end, or only a step of a write that makes progress.
func (w *wire) stalled(now int64) bool {
	left := w.steps.Load()
	if left == 0 {
		return true
	}
	left--
	if acked, ok := w.peerTook(); ok && acked-w.acked.Load() >= sendLeast {
		w.acked.Store(acked)
		left = sendSteps
	}
	w.steps.Store(left)
	if left == 0 {
		return true
	}
	w.deadline.CompareAndSwap(0, now+int64(w.clock.step))
	return false
}

// peerTook is how many bytes the peer has acknowledged since it connected.
func (w *wire) peerTook() (n uint64, ok bool) {
	if w.raw == nil {
		return 0, false
	}
	info, err := unix.GetsockoptTCPInfo(int(w.fd), unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return 0, false
	}
	return info.Bytes_acked, true
}

// forever takes the deadline away; false when it has just passed.
func (w *wire) forever() bool {
	w.steps.Store(0)
	return w.deadline.Swap(0) != 0
}

func (w *wire) interrupt(why int32) {
	if !w.reason.CompareAndSwap(0, why) {
		return
	}
	c := w.Conn
	if w.tcp != nil {
		c = w.tcp
	}
	_ = c.SetWriteDeadline(longAgo) // first: who is woken from a read may take both away at once, see revive
	_ = c.SetReadDeadline(longAgo)
}

// revive lets a last answer be written to a client that was late with its head.
func (w *wire) revive() {
	_ = w.Conn.SetDeadline(noDeadline)
	w.reason.Store(0)
}

func (w *wire) late() bool { return w.reason.Load() == reasonLate }

func (w *wire) close() {
	w.unwatch()
	w.clock.remove(w)
	_ = w.Conn.Close()
}

const (
	watchOff = iota
	watchOn
	watchBusy // the clock looks just now
)

// watch has the clock look whether the peer goes away while nothing is read
// from it; when the peer resets, dyno is interrupted.
func (w *wire) watch(dyno *wire) {
	w.onGone = dyno
	w.watched.Store(watchOn)
}

// unwatch returns once the clock touches neither wire any more.
func (w *wire) unwatch() {
	for !w.watched.CompareAndSwap(watchOn, watchOff) {
		if w.watched.Load() == watchOff {
			return
		}
		runtime.Gosched()
	}
}

// look polls the socket: a reset interrupts the exchange, an end of what the
// peer sends is only noted, for a client may close one direction and still read.
func (w *wire) look() {
	if !w.watched.CompareAndSwap(watchOn, watchBusy) {
		return
	}
	defer w.watched.Store(watchOn)
	switch w.peer() {
	case peerReset:
		w.interrupt(reasonGone)
		if w.onGone != nil {
			w.onGone.interrupt(reasonAbort)
		}
	case peerFinished:
		w.finished.Store(true)
	}
}

const (
	peerThere = iota
	peerFinished
	peerReset
)

// peer asks the kernel, without reading, what the other end has done.
func (w *wire) peer() int {
	if w.raw == nil {
		if w.stream != nil && w.stream.forsaken() {
			return peerReset
		}
		return peerThere
	}
	switch events := w.poll(unix.POLLRDHUP); {
	case events&(unix.POLLERR|unix.POLLHUP|unix.POLLNVAL) != 0:
		return peerReset
	case events&unix.POLLRDHUP != 0:
		return peerFinished
	}
	return peerThere
}

// quiet reports whether an idle wire is still open and has nothing to read.
func (w *wire) quiet() bool {
	if w.raw == nil {
		return true
	}
	return w.poll(unix.POLLRDHUP|unix.POLLIN) == 0
}

func (w *wire) poll(events int16) int16 { return pollNow(int(w.fd), events) }

// put is Write. The last of what is written leaves together with the end of the
// connection, where it can: that has to come soon.
func (w *wire) put(p []byte, last bool) (int, error) {
	if s, ok := w.Conn.(*socket); ok && last {
		return s.WriteLast(p)
	}
	return w.Write(p)
}

// taken waits until the peer's kernel has acknowledged all that was written, at
// most d; false when the peer reset the connection instead.
func (w *wire) taken(d time.Duration) bool {
	if w.raw == nil {
		return true
	}
	_ = unix.SetsockoptInt(int(w.fd), unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) // sends what put has left
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(time.Millisecond) {
		left, err := unix.IoctlGetInt(int(w.fd), unix.SIOCOUTQ)
		if err != nil || w.peer() == peerReset {
			return false
		}
		if left == 0 {
			return true
		}
	}
	return false
}

// linger ends what we send and reads what the peer still sends, so that our last
// answer is not destroyed by a reset: also to a peer that looks for it only when all of a
// large body has been sent. Bounded in time.
func (w *wire) linger(scratch []byte) {
	if w.tcp == nil || w.reason.Load() != 0 {
		return
	}
	if t, ok := w.Conn.(interface{ CloseWrite() error }); ok {
		_ = t.CloseWrite()
	}
	for end := time.Now().Add(lingerMost); time.Now().Before(end); {
		w.within(lingerTime)
		if _, err := w.tcp.Read(scratch); err != nil {
			return
		}
	}
}

const (
	lingerTime = 2 * time.Second // without a byte
	lingerMost = 30 * time.Second
)
