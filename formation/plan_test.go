package formation

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kigo-dev/kigo"
)

func TestPlan(t *testing.T) {
	web := func(n, version int) Want {
		return Want{Type: "web", Quantity: n, Version: version, Size: "Basic", Gate: true}
	}
	worker := func(n, version int) Want { return Want{Type: "worker", Quantity: n, Version: version, Size: "Basic"} }
	dyno := func(id, typ string, n, version int, ready bool) Have {
		return Have{ID: kigo.DynoID(id), Type: typ, Number: n, Version: version, Size: "Basic", Ready: ready}
	}
	tests := []struct {
		name string
		want []Want
		have []Have
		plan []Step
	}{
		{"the first deploy starts everything at once", []Want{web(1, 3), worker(1, 3)}, nil,
			[]Step{{Start, "", "web", 1}, {Start, "", "worker", 1}}},
		{"a new release starts beside the old one", []Want{web(1, 4)}, []Have{dyno("a", "web", 1, 3, true)},
			[]Step{{Start, "", "web", 1}}},
		{"the old release stays while the new one boots", []Want{web(1, 4)},
			[]Have{dyno("a", "web", 1, 3, true), dyno("b", "web", 1, 4, false)}, nil},
		{"the old release goes when the new one is ready", []Want{web(1, 4)},
			[]Have{dyno("a", "web", 1, 3, true), dyno("b", "web", 1, 4, true)}, []Step{{Stop, "a", "web", 1}}},
		{"workers keep the old release until the new one has proven itself", []Want{web(1, 4), worker(1, 4)},
			[]Have{dyno("a", "web", 1, 3, true), dyno("b", "web", 1, 4, false), dyno("c", "worker", 1, 3, true)}, nil},
		{"workers change over once it has", []Want{web(1, 4), worker(1, 4)},
			[]Have{dyno("b", "web", 1, 4, true), dyno("c", "worker", 1, 3, true)},
			[]Step{{Stop, "c", "worker", 1}, {Start, "", "worker", 1}}},
		{"workers alone change over at once", []Want{worker(1, 4)}, []Have{dyno("c", "worker", 1, 3, true)},
			[]Step{{Stop, "c", "worker", 1}, {Start, "", "worker", 1}}},
		{"a superseded dyno that never came up goes at once", []Want{web(1, 5)},
			[]Have{dyno("a", "web", 1, 3, true), dyno("b", "web", 1, 4, false)},
			[]Step{{Stop, "b", "web", 1}, {Start, "", "web", 1}}},
		{"scaling down stops the highest numbers", []Want{web(1, 3)},
			[]Have{dyno("a", "web", 1, 3, true), dyno("b", "web", 2, 3, true), dyno("c", "web", 3, 3, false)},
			[]Step{{Stop, "b", "web", 2}, {Stop, "c", "web", 3}}},
		{"a vanished type stops", []Want{web(1, 3)}, []Have{dyno("a", "web", 1, 3, true), dyno("z", "clock", 1, 3, true)},
			[]Step{{Stop, "z", "clock", 1}}},
		{"a dyno told to stop is replaced at once", []Want{web(1, 3)},
			[]Have{{ID: "a", Type: "web", Number: 1, Version: 3, Size: "Basic", Ready: true, Gone: true}},
			[]Step{{Start, "", "web", 1}}},
		{"a retired web dyno serves until its replacement does", []Want{web(1, 3)},
			[]Have{{ID: "a", Type: "web", Number: 1, Version: 3, Size: "Basic", Ready: true, Retire: true}},
			[]Step{{Start, "", "web", 1}}},
		{"a retired web dyno goes when its replacement serves", []Want{web(1, 3)},
			[]Have{{ID: "a", Type: "web", Number: 1, Version: 3, Size: "Basic", Ready: true, Retire: true}, dyno("b", "web", 1, 3, true)},
			[]Step{{Stop, "a", "web", 1}}},
		{"a retired worker is replaced at once", []Want{worker(1, 3)},
			[]Have{{ID: "a", Type: "worker", Number: 1, Version: 3, Size: "Basic", Ready: true, Retire: true}},
			[]Step{{Stop, "a", "worker", 1}, {Start, "", "worker", 1}}},
		{"a crashed dyno of the current release is left to the dyno loop", []Want{web(1, 3)},
			[]Have{dyno("a", "web", 1, 3, false)}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.plan, Plan(tt.want, tt.have)); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzPlan carries out random parts of plans in random order, with dynos that
// come up or never do, and checks that the app converges, stays there, and never
// has fewer ready web dynos on the way than the change asks for.
func FuzzPlan(f *testing.F) {
	for seed := range uint64(64) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		w := world{t: t, rnd: rand.New(rand.NewPCG(seed, 7))}
		w.want = []Want{
			{Type: "web", Quantity: w.rnd.IntN(5), Version: 1, Size: "Basic", Gate: true},
			{Type: "worker", Quantity: w.rnd.IntN(4), Version: 1, Size: "Basic"},
		}
		w.converge()
		for version := 2; version < 6; version++ {
			switch w.rnd.IntN(5) {
			case 3: // cycling with preboot
				for i := range w.have {
					w.have[i].Retire = w.rnd.IntN(2) == 0
				}
			case 0:
				w.want[0].Quantity = w.rnd.IntN(6)
			case 1:
				w.want[w.rnd.IntN(2)].Size = []string{"Basic", "Standard-2X"}[w.rnd.IntN(2)]
			case 2: // a release that never boots, then one that does
				floor := w.setVersion(100 + version)
				w.broken = 100 + version
				for range 20 {
					w.round()
					w.check(floor)
				}
				w.setVersion(version)
			default:
				w.setVersion(version)
			}
			w.converge()
		}
	})
}

type world struct {
	t      *testing.T
	rnd    *rand.Rand
	want   []Want
	have   []Have
	broken int // a version whose dynos never come up
	next   int
}

func (w *world) setVersion(v int) (readyBefore int) {
	w.want[0].Version, w.want[1].Version = v, v
	return min(w.ready("web"), w.want[0].Quantity)
}

func (w *world) ready(typ string) (n int) {
	slots := map[int]bool{}
	for _, h := range w.have {
		if h.Type == typ && h.Ready && !h.Gone && !slots[h.Number] {
			slots[h.Number] = true
			n++
		}
	}
	return n
}

func (w *world) check(floor int) {
	if got := w.ready("web"); got < floor {
		w.t.Fatalf("%d ready web dynos, had %d: want %v have %v", got, floor, w.want, w.have)
	}
}

// round carries out a random part of a plan and lets some dynos come up.
func (w *world) round() (settled bool) {
	steps := Plan(w.want, w.have)
	waiting := false
	for _, h := range w.have {
		waiting = waiting || !h.Gone && !h.Ready
	}
	if len(steps) == 0 && !waiting {
		return true
	}
	w.rnd.Shuffle(len(steps), func(i, j int) { steps[i], steps[j] = steps[j], steps[i] })
	for _, s := range steps[:w.rnd.IntN(len(steps)+1)] {
		w.apply(s)
	}
	for i := range w.have {
		if w.have[i].Version != w.broken && w.rnd.IntN(3) == 0 {
			w.have[i].Ready = true
		}
	}
	return false
}

func (w *world) apply(s Step) {
	if s.Op == Stop {
		for i := range w.have {
			if w.have[i].ID == s.Dyno {
				w.have[i].Gone = true
			}
		}
		return
	}
	w.next++
	for _, want := range w.want {
		if want.Type == s.Type {
			w.have = append(w.have, Have{
				ID: kigo.DynoID(fmt.Sprint("d", w.next)), Type: s.Type, Number: s.Number, Version: want.Version, Size: want.Size,
			})
		}
	}
}

func (w *world) converge() {
	floor := min(w.ready("web"), w.want[0].Quantity)
	for range 500 {
		if w.round() {
			for _, want := range w.want {
				if got := w.ready(want.Type); got != want.Quantity {
					w.t.Fatalf("settled on %d %s dynos, want %d: %v", got, want.Type, want.Quantity, w.have)
				}
			}
			return
		}
		w.check(floor)
	}
	w.t.Fatalf("did not settle: want %v have %v plan %v", w.want, w.have, Plan(w.want, w.have))
}
