package router

import (
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/internal/histogram"
)

// Usage is what one router counted in one stretch of time. Router and Seq name
// it for ever: who has stored one of that name has to store it never again.
type Usage struct {
	Router string     `json:"router"` // a process, by a random name
	Seq    int64      `json:"seq"`    // 1, 2, 3, … of that router; none is left out
	From   time.Time  `json:"from"`
	To     time.Time  `json:"to"`
	Apps   []AppUsage `json:"apps"` // those with requests that ended then
}

// AppUsage is one app's part of a Usage. A request counts when it ends.
type AppUsage struct {
	App      kigo.AppID          `json:"app"`
	Requests int64               `json:"requests"`
	Status   [6]int64            `json:"status"`          // by class: Status[5] are the 5xx; 499 is a 4xx; [0] are upgraded connections
	Codes    map[string]int64    `json:"codes,omitempty"` // H codes: "H12" → how many
	In       int64               `json:"in"`              // bytes of requests' bodies
	Out      int64               `json:"out"`             // bytes of responses' bodies, and of upgraded connections to the client
	Connect  histogram.Histogram `json:"connect"`         // of requests that reached a dyno
	Service  histogram.Histogram `json:"service"`         // of those too, without upgraded connections
}

// Merge adds what other counted of the same app.
func (a *AppUsage) Merge(other AppUsage) {
	a.Requests += other.Requests
	a.In += other.In
	a.Out += other.Out
	for i, n := range other.Status {
		a.Status[i] += n
	}
	for code, n := range other.Codes {
		if a.Codes == nil {
			a.Codes = map[string]int64{}
		}
		a.Codes[code] += n
	}
	a.Connect.Merge(other.Connect)
	a.Service.Merge(other.Service)
}

// meter counts one app's requests while they end. Requests only add to it.
type meter struct {
	app      kigo.AppID
	owner    *app
	requests atomic.Int64
	status   [6]atomic.Int64
	codes    [32]atomic.Uint32 // in the order of Codes
	in, out  atomic.Int64
	connect  histogram.Live
	service  histogram.Live
	unused   int // Takes without a request
}

// meters are those of all apps that had requests lately.
type meters struct {
	mu  sync.Mutex
	all []*meter
}

// of is an app's meter.
func (ms *meters) of(a *app) *meter {
	if m := a.meter.Load(); m != nil {
		return m
	}
	m := &meter{app: a.id, owner: a}
	ms.mu.Lock()
	defer ms.mu.Unlock()
	if !a.meter.CompareAndSwap(nil, m) {
		return a.meter.Load()
	}
	ms.all = append(ms.all, m)
	return m
}

// count adds a finished exchange.
func (m *meter) count(x *exchange) {
	m.requests.Add(1)
	switch class := x.status / 100; {
	case x.tunnel && x.code == nil:
		m.status[0].Add(1)
	case class >= 1 && class <= 5:
		m.status[class].Add(1)
	default:
		m.status[5].Add(1)
	}
	if x.code != nil {
		m.codes[x.code.number].Add(1)
	}
	if n := x.uploaded(); n > 0 {
		m.in.Add(n)
	}
	if x.bytes > 0 {
		m.out.Add(x.bytes)
	}
	if x.dyno != nil {
		m.connect.Add(x.connect)
		if !x.tunnel {
			m.service.Add(x.took)
		}
	}
}

// uploaded is how many bytes of the request's body were read.
func (x *exchange) uploaded() int64 {
	switch q := &x.req; {
	case q.chunked:
		return x.upload.chunks.data
	case q.length > 0:
		return q.length - x.upload.left
	}
	return 0
}

const (
	unusedRest = 6  // Takes after which an app's meter is taken from it
	unusedGone = 12 // and after which it is no longer looked at: who counts just then has long ended
)

// take returns what was counted since the last take.
func (ms *meters) take() []AppUsage {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	var used []AppUsage
	kept := ms.all[:0]
	for _, m := range ms.all {
		u, some := m.take()
		switch {
		case some && m.unused < unusedRest:
			m.unused = 0
		case some: // it is the app's no more
		default:
			if m.unused++; m.unused == unusedRest {
				m.owner.meter.CompareAndSwap(m, nil)
			}
		}
		if some {
			used = append(used, u)
		}
		if m.unused < unusedGone {
			kept = append(kept, m)
		}
	}
	clear(ms.all[len(kept):])
	ms.all = kept
	return used
}

// take may catch a request that is just being counted: a part of it is then in
// this Usage, and the rest in the next. some is whether anything was counted.
func (m *meter) take() (u AppUsage, some bool) {
	u = AppUsage{App: m.app, Requests: m.requests.Swap(0), In: m.in.Swap(0), Out: m.out.Swap(0), Connect: m.connect.Take(), Service: m.service.Take()}
	some = u.Requests+u.In+u.Out+u.Connect.Count()+u.Service.Count() > 0
	for i := range m.status {
		u.Status[i] = m.status[i].Swap(0)
		some = some || u.Status[i] > 0
	}
	for i, c := range Codes {
		if n := m.codes[i].Swap(0); n > 0 {
			if u.Codes == nil {
				u.Codes = map[string]int64{}
			}
			u.Codes[c.Name] = int64(n)
			some = true
		}
	}
	return u, some
}

// newRouterName names a process.
func newRouterName() string { return strconv.FormatUint(rand.Uint64(), 36) }
