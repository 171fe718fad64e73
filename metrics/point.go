package metrics

import (
	"maps"
	"time"

	"github.com/kigo-dev/kigo/internal/histogram"
)

// Point is what an app did and used in one step of time. Points are added to each
// other: of minutes to those of hours, of samples to those of minutes.
type Point struct {
	At        time.Time           `json:"-"` // the step's beginning
	Requests  Requests            `json:"r,omitzero"`
	Processes map[string]*Process `json:"p,omitempty"` // by process type
}

// Requests are an app's requests that ended.
type Requests struct {
	Count   int64               `json:"n,omitempty"`
	Status  [6]int64            `json:"s,omitzero"` // by class: Status[5] are the 5xx; [0] are upgraded connections
	Codes   map[string]int64    `json:"h,omitempty"`
	In      int64               `json:"i,omitempty"` // bytes of bodies
	Out     int64               `json:"o,omitempty"`
	Connect histogram.Histogram `json:"c,omitzero"`
	Service histogram.Histogram `json:"t,omitzero"`
}

// Process is what the dynos of one process type used.
type Process struct {
	Dynos    int64            `json:"d,omitempty"` // most at once
	Memory   Gauge            `json:"m,omitzero"`  // bytes, RSS, cache and swap
	RSS      Gauge            `json:"r,omitzero"`
	Swap     Gauge            `json:"s,omitzero"`
	Load     Gauge            `json:"l,omitzero"` // average of a minute
	Quota    int64            `json:"q,omitempty"`
	Restarts int64            `json:"x,omitempty"`
	Errors   map[string]int64 `json:"e,omitempty"` // R codes
}

// Gauge sums up samples of a value that goes up and down.
type Gauge struct {
	N   int64   `json:"n"`
	Sum float64 `json:"s"`
	Max float64 `json:"m"`
}

// Add takes one sample.
func (g *Gauge) Add(v float64) { g.merge(Gauge{1, v, v}) }

// Mean is the average of all samples, 0 of none.
func (g Gauge) Mean() float64 {
	if g.N == 0 {
		return 0
	}
	return g.Sum / float64(g.N)
}

func (g *Gauge) merge(o Gauge) {
	if g.N == 0 || o.N > 0 && o.Max > g.Max {
		g.Max = o.Max
	}
	g.N += o.N
	g.Sum += o.Sum
}

// maxTypes bounds how many process types a point tells apart; the rest is "others".
const maxTypes = 50

// Of is the part of a process type.
func (p *Point) Of(process string) *Process {
	if p.Processes == nil {
		p.Processes = map[string]*Process{}
	}
	if p.Processes[process] == nil && len(p.Processes) >= maxTypes {
		process = "others"
	}
	if p.Processes[process] == nil {
		p.Processes[process] = &Process{}
	}
	return p.Processes[process]
}

// Merge adds another point.
func (p *Point) Merge(o *Point) {
	p.Requests.Merge(o.Requests)
	for name, process := range o.Processes {
		p.Of(name).merge(process)
	}
}

// Merge adds other requests.
func (r *Requests) Merge(o Requests) {
	r.Count += o.Count
	r.In += o.In
	r.Out += o.Out
	for i, n := range o.Status {
		r.Status[i] += n
	}
	r.Codes = sum(r.Codes, o.Codes)
	r.Connect.Merge(o.Connect)
	r.Service.Merge(o.Service)
}

// Failed is how many the platform or the app answered with 5xx.
func (r Requests) Failed() int64 { return r.Status[5] }

func (p *Process) merge(o *Process) {
	p.Dynos = max(p.Dynos, o.Dynos)
	p.Quota = max(p.Quota, o.Quota)
	p.Restarts += o.Restarts
	p.Memory.merge(o.Memory)
	p.RSS.merge(o.RSS)
	p.Swap.merge(o.Swap)
	p.Load.merge(o.Load)
	p.Errors = sum(p.Errors, o.Errors)
}

func sum(a, b map[string]int64) map[string]int64 {
	if len(b) == 0 {
		return a
	}
	out := make(map[string]int64, max(len(a), len(b)))
	maps.Copy(out, a)
	for k, n := range b {
		out[k] += n
	}
	return out
}

// Clone is a copy that shares nothing with p.
func (p *Point) Clone() *Point {
	c := &Point{At: p.At}
	c.Merge(p)
	return c
}
