package router

import (
	"bytes"
	"sync"
	"time"
)

// exchange is one request and its answer. It is pooled: a request allocates
// nothing of its own.
type exchange struct {
	c       *conn
	req     request
	res     response
	app     *app
	view    *view
	dyno    *dyno
	wire    *wire   // to the dyno
	up      *buffer // read from the dyno
	out     []byte  // heads being written; room only while they are
	room    *[]byte // of out, to give back
	id      []byte  // X-Request-Id
	scratch [264]byte

	began   time.Time     // the head was read
	sent    time.Time     // the dyno was connected
	connect time.Duration // spent on that
	took    time.Duration // from sent to the end
	status  int           // told to the client
	bytes   int64         // of body sent to it
	code    *Code         // nil: all went well
	extra   string        // more about the code
	framing int           // of the response's body
	active  bool          // counted in app.active
	tunnel  bool          // counted in app.tunnels
	started bool          // bytes of the response have gone to the client
	closing bool          // the client's connection ends with this exchange
	reuse   bool          // the dyno's connection may carry another exchange
	retried bool          // a kept-alive connection was found closed
	tried   []*dyno       // dynos that did not accept a connection
	upload  upload
}

// How the end of a response's body is known.
const (
	bodyNone = iota
	bodyLength
	bodyChunked
	bodyUntilClose
)

var exchanges = sync.Pool{New: func() any { return &exchange{} }}

var rooms = sync.Pool{New: func() any { b := make([]byte, 0, 2*bufferSize); return &b }}

// blank is out, empty.
func (x *exchange) blank() []byte {
	if x.room == nil {
		x.room = rooms.Get().(*[]byte)
		x.out = (*x.room)[:0]
	}
	return x.out[:0]
}

// vacate gives out back: the exchange may last.
func (x *exchange) vacate() {
	if x.room == nil {
		return
	}
	if n := cap(x.out); n >= 2*bufferSize && n <= 4*bufferSize { // else it was grown much
		*x.room = x.out[:0]
		rooms.Put(x.room)
	}
	x.out, x.room = nil, nil
}

func newExchange(c *conn) *exchange {
	x := exchanges.Get().(*exchange)
	x.c = c
	return x
}

// free gives all back; slices of the request are void afterwards.
func (x *exchange) free() {
	if x.up != nil {
		x.up.free()
	}
	x.req.reset()
	clear(x.tried)
	x.vacate()
	*x = exchange{req: x.req, res: response{keep: x.res.keep[:0]}, id: x.id[:0], tried: x.tried[:0]}
	exchanges.Put(x)
}

// run is a request's walk. It reports whether the connection takes another one.
func (x *exchange) run() bool {
	head, why := x.readHead()
	if head == nil && why == nil {
		return false
	}
	x.began = time.Now()
	if why == nil {
		why = x.req.parse(head)
	}
	x.name()
	if !x.route(why) {
		return x.end()
	}
	if why != nil {
		x.refuse(why)
		return x.end()
	}
	if x.settle() {
		return x.end()
	}
	code := x.misdirected()
	if code == nil {
		code = x.admit()
	}
	c := x.c
	if code == nil {
		code = x.proxy()
	}
	if c.handed {
		return false
	}
	if code != nil {
		x.fail(code)
	}
	x.release()
	x.log()
	return x.end()
}

// readHead reads up to the empty line. Neither head nor refusal: the client left.
func (x *exchange) readHead() ([]byte, *refusal) {
	in := x.c.in
	seen := 0
	for {
		if in.r == 0 || seen == 0 {
			x.skipEmptyLines()
		}
		data := in.data()
		if i := bytes.Index(data[seen:], headEnd); i >= 0 {
			head := data[:seen+i+len(headEnd)]
			if len(head) > requestMax {
				return nil, refuseLarge
			}
			return head, nil
		}
		if why := incomplete(data, seen); why != nil {
			return nil, why
		}
		seen = max(0, len(data)-3)
		if !in.room(requestMax) {
			return nil, refuseLarge
		}
		if _, err := in.fill(x.c.wire); err != nil {
			if x.c.wire.late() && len(data) > 0 {
				x.c.wire.revive()
				return nil, refuseSlow
			}
			return nil, nil
		}
	}
}

// skipEmptyLines drops what old clients send after a body (RFC 9112, 2.2).
func (x *exchange) skipEmptyLines() {
	in := x.c.in
	for n := 0; n < maxEmptyLines && bytes.HasPrefix(in.data(), lineEnd); n++ {
		in.skip(len(lineEnd))
	}
}

// incomplete refuses at once what can become no head.
func incomplete(data []byte, seen int) *refusal {
	for i := seen; i < len(data); i++ {
		j := bytes.IndexByte(data[i:], '\n')
		if j < 0 {
			break
		}
		i += j
		if i == 0 || data[i-1] != '\r' {
			return refuseHead
		}
	}
	if len(data) > maxLine && bytes.IndexByte(data[:maxLine], '\n') < 0 {
		return refuseLongLine
	}
	return nil
}

// name gives the request its id: the client's own when that is valid.
func (x *exchange) name() {
	if x.req.id != nil {
		x.id = append(x.id[:0], x.req.id...)
		return
	}
	x.id = newID(x.id[:0])
}

// route finds the app. When there is none it answers itself.
func (x *exchange) route(why *refusal) bool {
	q := &x.req
	t := x.c.rt.table
	if q.host != nil && q.hostSeen {
		x.app = t.find(q.host, x.scratch[:0])
	}
	switch {
	case x.app != nil:
		x.view = x.app.view.Load()
		return true
	case why != nil:
		x.answer(why.status, []byte(why.why+"\n"), false, true)
	case !t.ready.Load():
		x.answer(503, noRoutesPage, true, q.hasBody())
	default:
		x.answer(404, noAppPage, true, q.hasBody())
	}
	return false
}

// misdirected refuses a request on a TLS connection that was made to another
// app (RFC 9110, 15.5.20): the client should open one of its own.
func (x *exchange) misdirected() *Code {
	if x.c.sni == "" || !validHost([]byte(x.c.sni)) {
		return nil
	}
	if a := x.c.rt.table.find([]byte(x.c.sni), x.scratch[:0]); a != nil && a != x.app {
		x.extra = "misdirected request"
		return h31
	}
	return nil
}

// refuse answers a request that breaks a rule, for an app that is known.
func (x *exchange) refuse(why *refusal) {
	x.code, x.extra = h26, why.cause
	x.answer(why.status, []byte(why.why+"\n"), false, true)
	x.log()
}

// fail ends the exchange with a code: a page when the client has seen nothing
// yet, else the end of its connection.
func (x *exchange) fail(c *Code) {
	x.code = c
	x.reuse = false
	x.stopUpload()
	switch {
	case x.started:
		x.closing = true
		if x.framing == bodyUntilClose && x.c.wire.tcp != nil {
			_ = x.c.wire.tcp.SetLinger(0) // a reset, or half an answer would look whole
		}
		if c.Status == 499 {
			x.status = 499
		}
	case c.page == pageNone:
		x.status, x.closing = c.Status, true
	default:
		text, isHTML := c.body(x.view, x.extra)
		x.answer(c.Status, text, isHTML, x.req.hasBody())
		x.bytes = 0
	}
}

// answer writes an answer of our own.
func (x *exchange) answer(status int, body []byte, isHTML, closing bool) {
	x.status = status
	x.closing = x.closing || closing || x.req.closing || x.c.rt.draining.Load() || x.req.method == nil
	head := bytes.Equal(x.req.method, methodHEAD)
	extra := ""
	switch status {
	case 301, 308:
		extra = "Location: " + x.secureURL() + "\r\n"
	case 405:
		extra = "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n"
	}
	x.out = appendAnswer(x.blank(), status, body, isHTML, head, x.closing, extra)
	x.c.wire.sending()
	if _, err := x.c.wire.Write(x.out); err != nil {
		x.closing = true
	}
	if x.closing {
		x.c.lingers = true
	}
}

// release gives dyno and counts back.
func (x *exchange) release() {
	if x.tunnel {
		x.app.tunnels.Add(-1)
		x.dyno.tunnel.Add(-1)
	}
	if x.wire != nil {
		if x.reuse && x.wire.forever() && x.wire.reason.Load() == 0 {
			x.dyno.pool.put(x.wire)
		} else {
			x.wire.close()
		}
		x.wire = nil
		x.dyno.active.Add(-1)
	}
	if x.active {
		x.app.active.Add(-1)
	}
}

// log tells of the finished exchange, and counts it.
func (x *exchange) log() {
	if x.app == nil {
		return
	}
	if !x.sent.IsZero() {
		x.took = time.Since(x.sent)
	}
	x.c.rt.usage.meters.of(x.app).count(x)
	x.out = x.appendLine(x.blank())
	x.c.rt.access.write(x.app.id, x.began, x.out)
}

// end removes the request from the client's buffer.
func (x *exchange) end() bool {
	in := x.c.in
	rest := x.upload.rest
	if rest != nil {
		in.r, in.w = 0, 0
		for len(in.b) < len(rest) {
			in.b = make([]byte, 2*len(in.b))
		}
		in.w = copy(in.b, rest)
	} else if in != nil {
		in.skip(min(len(x.req.raw)+x.upload.taken, in.w-in.r))
	}
	x.upload.free()
	return !x.closing && !x.req.closing
}
