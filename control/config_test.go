package control_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

func testConfig(t *testing.T, x *site) {
	app := x.app("myapp")
	for _, c := range []struct {
		change      map[string]*string
		description string // empty: no release
		want        kigo.ConfigVars
	}{
		{map[string]*string{"B": ptr("2"), "A": ptr("1")}, "Set A, B config vars", kigo.ConfigVars{"A": "1", "B": "2"}},
		{map[string]*string{"A": ptr("1")}, "", kigo.ConfigVars{"A": "1", "B": "2"}},
		{map[string]*string{"NONE": nil}, "", kigo.ConfigVars{"A": "1", "B": "2"}},
		{nil, "", kigo.ConfigVars{"A": "1", "B": "2"}},
		{map[string]*string{"A": nil}, "Remove A config vars", kigo.ConfigVars{"B": "2"}},
		{map[string]*string{"B": nil, "C": ptr("")}, "Set C, remove B config vars", kigo.ConfigVars{"C": ""}},
		{map[string]*string{"PORT": ptr("x"), "LD_PRELOAD": ptr("$(id)\n")}, "Set LD_PRELOAD, PORT config vars",
			kigo.ConfigVars{"C": "", "PORT": "x", "LD_PRELOAD": "$(id)\n"}},
	} {
		before := x.current(app.ID).Version
		vars, r, err := x.SetConfig(x.ctx, x.actor, app.ID, c.change)
		if err != nil {
			t.Fatal(err)
		}
		same(t, c.description, vars, c.want)
		same(t, "stored", read(x, func(tx *store.Tx) (kigo.ConfigVars, error) { return tx.ConfigVars(app.ID) }), c.want)
		if c.description == "" {
			same(t, "release without a change", r, nil)
			x.logged()
			continue
		}
		same(t, "description", r.Description, c.description)
		same(t, "current", x.current(app.ID).Version, before+1)
		x.logged(c.description+" by user E", fmt.Sprintf("Release v%d created by user E", before+1))
	}
}

func testBadConfig(t *testing.T, x *site) {
	app := x.app("myapp")
	if _, _, err := x.SetConfig(x.ctx, x.actor, app.ID, map[string]*string{"OLD": ptr("1")}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		vars map[string]*string
		text string
	}{
		"equals sign":    {map[string]*string{"A=B": ptr("1")}, `"A=B"`},
		"newline":        {map[string]*string{"A\nB": ptr("1")}, "valid config var name"},
		"space":          {map[string]*string{"A B": ptr("1")}, "valid config var name"},
		"leading digit":  {map[string]*string{"1A": ptr("1")}, "digit"},
		"empty name":     {map[string]*string{"": ptr("1")}, "empty"},
		"long name":      {map[string]*string{long(513): ptr("1")}, "too long"},
		"removed, wrong": {map[string]*string{"A B": nil}, "valid config var name"},
		"NUL":            {map[string]*string{"A": ptr("x\x00y")}, "NUL"},
		"not UTF-8":      {map[string]*string{"A": ptr("\xff")}, "UTF-8"},
		"too large":      {map[string]*string{"A": ptr(long(64 << 10))}, "too large"},
		"one of two":     {map[string]*string{"GOOD": ptr("1"), "BAD NAME": ptr("1")}, "BAD NAME"},
	} {
		_, _, err := x.SetConfig(x.ctx, x.actor, app.ID, c.vars)
		refused(t, name, err, kigo.IDInvalidParams, c.text)
	}
	same(t, "vars", read(x, func(tx *store.Tx) (kigo.ConfigVars, error) { return tx.ConfigVars(app.ID) }), kigo.ConfigVars{"OLD": "1"})
	same(t, "version", x.current(app.ID).Version, 3)
}

func testParallelConfig(t *testing.T, x *site) {
	app := x.app("myapp")
	const n = 10
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if _, _, err := x.SetConfig(x.ctx, x.actor, app.ID, map[string]*string{fmt.Sprintf("V%d", i): ptr("1")}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	same(t, "vars", len(read(x, func(tx *store.Tx) (kigo.ConfigVars, error) { return tx.ConfigVars(app.ID) })), n)
	same(t, "releases", len(x.releases(app.ID)), n+2)
}

func testConfigAfterDeploy(t *testing.T, x *site) {
	app := x.app("myapp")
	deployed := x.deploy(app.ID, web)
	_, r, err := x.SetConfig(x.ctx, x.actor, app.ID, map[string]*string{"A": ptr("1")})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "slug", r.Slug, deployed.Slug)
	same(t, "current", r.Current, true)
	again := x.deploy(app.ID, web)
	same(t, "config of the next deploy", read(x, func(tx *store.Tx) (kigo.ConfigVars, error) { return tx.ReleaseConfig(again.ID) }), kigo.ConfigVars{"A": "1"})
}
