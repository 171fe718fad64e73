package patch

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kigo-dev/kigo"
)

func apps(places ...Place) (all []member) {
	for i, p := range places {
		all = append(all, member{app: kigo.App{ID: kigo.AppID(rune('a' + i))}, place: p})
	}
	return all
}

func TestOneAppGoesFirstThenAsManyAsCameUp(t *testing.T) {
	many := make([]Place, 40)
	for i := range many {
		many[i] = On
	}
	for i := range 25 {
		many[15+i] = Waiting
	}
	for _, c := range []struct {
		all   []member
		start int
		halt  bool
	}{
		{apps(), 0, false},
		{apps(Waiting, Waiting, Waiting), 1, false},
		{apps(Moving, Waiting, Waiting), 0, false},
		{apps(On, Waiting, Waiting, Waiting), 1, false},
		{apps(On, On, On, Moving, Waiting, Waiting, Waiting), 2, false},
		{apps(many...), Most, false},
		{apps(Returned, Waiting), 1, false},
		{apps(Returned, Returned, Waiting), 1, false},
		{apps(Returned, Returned, Returned, Waiting), 0, true},
		{apps(Returned, Returned, Returned, On, On, On, On, Waiting), 1, false},
		{apps(Returned, Returned, Returned), 0, true},
	} {
		start, halt := plan(c.all)
		if len(start) != c.start || halt != c.halt {
			t.Errorf("%v: %d start, halt %t; want %d, %t", c.all, len(start), halt, c.start, c.halt)
		}
	}
}

func TestAnAppHasSettledWhenItsDynosAreReplacedAndUp(t *testing.T) {
	cur := kigo.Release{Version: 5, CreatedAt: time.Now()}
	for _, c := range []struct {
		name  string
		dynos []kigo.Dyno
		place Place
		bad   string
	}{
		{"no dynos", nil, On, ""},
		{"up", []kigo.Dyno{{Version: 5, State: kigo.DynoUp}}, On, ""},
		{"asleep", []kigo.Dyno{{Version: 5, State: kigo.DynoIdle}}, On, ""},
		{"starting", []kigo.Dyno{{Version: 5, State: kigo.DynoStarting}}, Moving, ""},
		{"the old one serves", []kigo.Dyno{{Version: 4, State: kigo.DynoUp}, {Version: 5, State: kigo.DynoUp}}, Moving, ""},
		{"a one-off of the old release", []kigo.Dyno{{Version: 4, OneOff: true, State: kigo.DynoUp}, {Version: 5, State: kigo.DynoUp}}, On, ""},
		{"crashed once", []kigo.Dyno{{Version: 5, Type: "worker", Number: 1, State: kigo.DynoCrashed, Crashes: 1}}, Moving, ""},
		{"crashed twice", []kigo.Dyno{{Version: 5, Type: "worker", Number: 1, State: kigo.DynoCrashed, Crashes: 2, Reason: "gone"}}, Moving, "worker.1: gone"},
	} {
		place, bad := settled(cur, c.dynos)
		if diff := cmp.Diff([]any{c.place, c.bad}, []any{place, bad}); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}
