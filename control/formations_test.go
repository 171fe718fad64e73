package control_test

import (
	"errors"
	"testing"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/control"
)

func change(typ string, n int) []control.FormationChange {
	return []control.FormationChange{{Type: typ, Quantity: &n}}
}

func testScale(t *testing.T, x *site) {
	app := x.app("myapp")
	_, err := x.Scale(x.ctx, x.actor, app.ID, change("web", 1))
	refused(t, "before code", err, kigo.IDNotFound, "Couldn't find that process type (web).")
	x.deploy(app.ID, web)
	x.Room = func() control.Room {
		return func(s kigo.Size) error {
			if s.Name == "Performance-XL" {
				return errors.New("it has too much of memory")
			}
			return nil
		}
	}
	for _, c := range []struct {
		name    string
		changes []control.FormationChange
		id, why string // refused with
		want    string // formation afterwards
	}{
		{name: "two types", want: "web=3:Basic worker=2:Basic",
			changes: []control.FormationChange{{Type: "web", Quantity: ptr(3)}, {Type: "worker", Quantity: ptr(2)}}},
		{name: "up by one", want: "web=4:Basic worker=2:Basic", changes: []control.FormationChange{{Type: "web", Quantity: ptr(1), Relative: true}}},
		{name: "down by two", want: "web=2:Basic worker=2:Basic", changes: []control.FormationChange{{Type: "web", Quantity: ptr(-2), Relative: true}}},
		{name: "below zero by steps", id: kigo.IDInvalidParams, why: "web to -1", changes: []control.FormationChange{{Type: "web", Quantity: ptr(-3), Relative: true}}},
		{name: "negative", id: kigo.IDInvalidParams, why: "must not be negative", changes: change("web", -1)},
		{name: "absurd", id: kigo.IDInvalidParams, why: "must not be more than", changes: change("web", kigo.MaxQuantity+1)},
		{name: "beyond numbers", id: kigo.IDInvalidParams, why: "must not be more than", changes: []control.FormationChange{{Type: "web", Quantity: ptr(1<<63 - 1), Relative: true}}},
		{name: "unknown type", id: kigo.IDNotFound, why: "Couldn't find that process type (foo).", changes: change("foo", 1)},
		{name: "unknown size", id: kigo.IDInvalidParams, why: "No such dyno size: huge", changes: []control.FormationChange{{Type: "web", Size: ptr("huge")}}},
		{name: "one of two tiers", id: kigo.IDInvalidParams, why: "Cannot mix", changes: []control.FormationChange{{Type: "web", Size: ptr("Standard-1X")}}},
		{name: "eco beside basic", id: kigo.IDInvalidParams, why: "Eco and Basic stand alone", changes: []control.FormationChange{{Type: "web", Size: ptr("eco")}}},
		{name: "all at once, in any case", want: "web=2:Standard-2X worker=2:Performance-M",
			changes: []control.FormationChange{{Type: "web", Size: ptr("standard-2x")}, {Type: "worker", Size: ptr("PERFORMANCE-M")}}},
		{name: "to none", want: "web=2:Standard-2X worker=0:Performance-M", changes: change("worker", 0)},
		{name: "beyond the machine", id: kigo.IDInvalidParams, why: "Cannot run web as Performance-XL: it has too much of memory. Choose a smaller size.",
			changes: []control.FormationChange{{Type: "web", Size: ptr("performance-xl")}}},
		{name: "the idle type follows", want: "web=1:Eco worker=0:Eco", changes: []control.FormationChange{{Type: "web", Quantity: ptr(1), Size: ptr("eco")}}},
		{name: "nothing", want: "web=1:Eco worker=0:Eco"},
	} {
		before := x.formation(app.ID)
		all, err := x.Scale(x.ctx, x.actor, app.ID, c.changes)
		if c.id != "" {
			refused(t, c.name, err, c.id, c.why)
			c.want = before
		} else if err != nil || len(all) != 2 {
			t.Errorf("%s: %v, %v", c.name, all, err)
		}
		same(t, c.name, x.formation(app.ID), c.want)
	}
	x.forgetLog()
	must(x.Scale(x.ctx, x.actor, app.ID, []control.FormationChange{{Type: "worker", Quantity: ptr(2)}}))(t)
	x.logged("Scaled to web@1:Eco worker@2:Eco by user E")
}

func testScaleAtomic(t *testing.T, x *site) {
	app := x.app("myapp")
	x.deploy(app.ID, web)
	_, err := x.Scale(x.ctx, x.actor, app.ID, append(change("web", 5), change("foo", 1)...))
	refused(t, "one wrong of two", err, kigo.IDNotFound, "foo")
	same(t, "formation", x.formation(app.ID), "web=1:Basic worker=0:Basic")
	x.logged()
}
