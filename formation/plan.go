package formation

import (
	"cmp"
	"slices"

	"github.com/kigo-dev/kigo"
)

// Want is one process type's share of the desired state.
type Want struct {
	Type     string
	Quantity int
	Version  int    // of the release that should run
	Size     string // canonical name
	Gate     bool   // serves requests: a new release must be ready before the old one goes
}

// Have is one dyno of the formation as it was last seen.
type Have struct {
	ID      kigo.DynoID
	Type    string
	Number  int // the 1 in web.1
	Version int
	Size    string
	Ready   bool // up: it passed its boot check
	Retire  bool // to be replaced, but to serve until then
	Gone    bool // told to stop, or stopped
}

// Op is what a step does.
type Op string

const (
	Start Op = "start"
	Stop  Op = "stop"
)

// Step is one change, independent of the others of its plan.
type Step struct {
	Op     Op
	Dyno   kigo.DynoID // of Stop
	Type   string
	Number int
}

// slot is a place in the formation, such as web.1.
type slot struct {
	typ    string
	number int
}

// Plan returns the steps from have towards want. It is pure: it reads no clock
// and no store. Any part of a plan may be carried out, in any order; planning
// again from what exists then finishes the job.
//
// It promises that a gated type never has fewer ready dynos during a change of
// release or size than before it, and that the other types keep running the old
// release until a gated dyno of the new one is ready: a release that cannot boot
// replaces nothing.
func Plan(want []Want, have []Have) []Step {
	p := planner{want: map[string]Want{}, held: map[slot][]Have{}}
	for _, w := range want {
		p.want[w.Type] = w
	}
	for _, h := range have {
		if !h.Gone {
			s := slot{h.Type, h.Number}
			p.held[s] = append(p.held[s], h)
		}
	}
	p.proven = p.isProven(want)
	for _, s := range p.slots() {
		p.plan(s)
	}
	return p.steps
}

type planner struct {
	want   map[string]Want
	held   map[slot][]Have
	proven bool // the release has shown that it can serve
	steps  []Step
}

// isProven reports whether a gated dyno of the wanted release is ready, or none
// is wanted at all.
func (p *planner) isProven(want []Want) bool {
	gated := false
	for _, w := range want {
		if !w.Gate || w.Quantity == 0 {
			continue
		}
		gated = true
		for n := 1; n <= w.Quantity; n++ {
			for _, h := range p.held[slot{w.Type, n}] {
				if h.Ready && h.Version == w.Version {
					return true
				}
			}
		}
	}
	return !gated
}

// slots lists every place that is wanted or held, in a stable order.
func (p *planner) slots() []slot {
	var all []slot
	for s := range p.held {
		all = append(all, s)
	}
	for _, w := range p.want {
		for n := 1; n <= w.Quantity; n++ {
			if s := (slot{w.Type, n}); len(p.held[s]) == 0 {
				all = append(all, s)
			}
		}
	}
	slices.SortFunc(all, func(a, b slot) int {
		return cmp.Or(cmp.Compare(a.typ, b.typ), cmp.Compare(a.number, b.number))
	})
	return all
}

// plan settles one slot: at most one dyno of the wanted release and size stays,
// and at most one older one that still serves.
func (p *planner) plan(s slot) {
	w, ok := p.want[s.typ]
	held := p.held[s]
	if !ok || s.number > w.Quantity || s.number < 1 {
		for _, h := range held {
			p.stop(h)
		}
		return
	}
	slices.SortFunc(held, func(a, b Have) int { // newest release first, ready ones before others
		return cmp.Or(-cmp.Compare(a.Version, b.Version), -compareBool(a.Ready, b.Ready), cmp.Compare(a.ID, b.ID))
	})
	var current, old *Have
	for i, h := range held {
		switch {
		case h.Version == w.Version && h.Size == w.Size && !h.Retire && current == nil:
			current = &held[i]
		case h.Ready && old == nil:
			old = &held[i]
		default:
			p.stop(h) // a second one, or a superseded one that serves nobody
		}
	}
	switch {
	case current == nil && old == nil:
		p.start(s)
	case current == nil && w.Gate:
		p.start(s)
	case current == nil && p.proven:
		p.stop(*old)
		p.start(s)
	case current != nil && old != nil && (current.Ready || !w.Gate):
		p.stop(*old)
	}
}

func (p *planner) start(s slot) {
	p.steps = append(p.steps, Step{Op: Start, Type: s.typ, Number: s.number})
}

func (p *planner) stop(h Have) {
	p.steps = append(p.steps, Step{Op: Stop, Dyno: h.ID, Type: h.Type, Number: h.Number})
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}
