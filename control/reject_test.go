package control_test

import (
	"errors"
	"testing"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/store"
)

func testReject(t *testing.T, x *site) {
	app := x.app("myapp")
	good := x.deploy(app.ID, web)
	bad := x.deploy(app.ID, map[string]string{"web": "bin/other", "clock": "bin/clock"})
	before := x.formation(app.ID)
	for range 2 {
		if err := x.RejectRelease(x.ctx, bad.ID, "web.1: Boot timeout", good.ID); err != nil {
			t.Fatal(err)
		}
	}
	x.logged("Release v4 failed: web.1: Boot timeout. v3 starts again")
	same(t, "current", x.current(app.ID).ID, good.ID)
	got := read(x, func(tx *store.Tx) (kigo.Release, error) { return tx.Release(bad.ID) })
	same(t, "rejected", []any{got.Status, got.Failure, got.Current}, []any{kigo.ReleaseFailed, "web.1: Boot timeout", false})
	if before == x.formation(app.ID) {
		t.Errorf("formation is still %s", before)
	}
	_, err := x.Rollback(x.ctx, x.actor, app.ID, "v4")
	refused(t, "roll back to it", err, kigo.IDInvalidParams, "it failed: web.1: Boot timeout")
	next := x.deploy(app.ID, web)
	same(t, "the next deploy", []any{next.Version, next.Current, x.current(app.ID).ID}, []any{5, true, next.ID})
	if err := x.RejectRelease(x.ctx, bad.ID, "late", good.ID); err != nil {
		t.Fatal(err)
	}
	same(t, "a late verdict", x.current(app.ID).ID, next.ID)
}

// The types that bad releases dropped come back as they were when the good one ran.
func testProbation(t *testing.T, x *site) {
	app := x.app("myapp")
	good := x.deploy(app.ID, map[string]string{"web": "bin/web", "worker": "bin/worker", "clock": "bin/clock"})
	proven := func() (r kigo.Release, err error) {
		err = x.Store.View(x.ctx, func(tx *store.Tx) (err error) {
			r, err = tx.ProvenRelease(app.ID, 99)
			return err
		})
		return r, err
	}
	_, err := proven()
	fails(t, "before it is proven", err, kigo.ErrNotFound)
	for range 2 {
		if err := x.ProveRelease(x.ctx, good.ID); err != nil {
			t.Fatal(err)
		}
	}
	same(t, "proven", must(proven())(t).ID, good.ID)
	must(x.Scale(x.ctx, x.actor, app.ID, []control.FormationChange{{Type: "worker", Quantity: ptr(3)}, {Type: "web", Quantity: ptr(2)}}))(t)
	before := x.formation(app.ID)
	x.deploy(app.ID, web)                                                // drops clock
	bad := x.deploy(app.ID, map[string]string{"web": "bin/other"})       // drops worker
	worse := x.deploy(app.ID, map[string]string{"web": "x", "old": "y"}) // adds one
	x.forgetLog()
	if err := x.ProveRelease(x.ctx, bad.ID); err != nil { // too late: it is not current any more
		t.Fatal(err)
	}
	same(t, "still proven", must(proven())(t).ID, good.ID)
	x.setDynos(app.ID, good)
	if err := x.RejectRelease(x.ctx, worse.ID, "web.1: Process exited with status 137 (SIGKILL)", good.ID); err != nil {
		t.Fatal(err)
	}
	x.logged("Release v6 failed: web.1: Process exited with status 137 (SIGKILL). v3 serves on")
	same(t, "formation", x.formation(app.ID), before)
	same(t, "current", x.current(app.ID).ID, good.ID)

	must(x.Scale(x.ctx, x.actor, app.ID, change("worker", 0)))(t)
	before = x.formation(app.ID)
	worse = x.deploy(app.ID, map[string]string{"web": "bin/web", "worker": "bin/worker", "clock": "bin/clock"})
	if err := x.RejectRelease(x.ctx, worse.ID, "web.1: Boot timeout", good.ID); err != nil {
		t.Fatal(err)
	}
	same(t, "what was scaled down since", x.formation(app.ID), before)
}

func testInside(t *testing.T, x *site) {
	app := x.app("myapp")
	r := x.deploy(app.ID, web)
	x.setDynos(app.ID, r)
	n := control.NewDyno{Command: "ls", NoTTY: true, Env: map[string]string{"A": "1"}}
	_, err := x.RunInside(x.ctx, x.actor, app.ID, "web.1", n)
	refused(t, "one that is not up", err, kigo.IDInvalidParams, "Cannot run inside web.1: it is not up.")
	_, err = x.RunInside(x.ctx, x.actor, app.ID, "web.9", n)
	refused(t, "one that is not there", err, kigo.IDNotFound, "")
	host := x.up(app.ID, "web.1")
	x.Room = func() control.Room {
		return func(kigo.Size) error { return errors.New("no one-off of its own would fit") }
	}
	d := must(x.RunInside(x.ctx, x.actor, app.ID, "web.1", n))(t)
	x.logged("Starting process with command `ls` inside web.1 by user E")
	same(t, "dyno", []any{d.Inside, d.Type, d.OneOff, d.Size, d.Attach.Wanted, d.Attach.NoTTY, len(d.Attach.Secret) >= 22},
		[]any{host.ID, "run", true, host.Size, true, true, true})
}

func testPreboot(t *testing.T, x *site) {
	app := x.app("myapp")
	r := x.deploy(app.ID, web)
	must(x.SetFeature(x.ctx, x.actor, app.ID, "preboot", true))(t)
	x.setDynos(app.ID, r)
	x.up(app.ID, "web.1")
	if err := x.RestartDynos(x.ctx, x.actor, app.ID, ""); err != nil {
		t.Fatal(err)
	}
	same(t, "stopping", x.stopping(app.ID), "web.2 worker.1")
	d := read(x, func(tx *store.Tx) (kigo.Dyno, error) { return tx.FindDyno(app.ID, "web.1") })
	same(t, "the one that serves", []any{d.Retire, d.Why}, []any{true, "Restarting"})
}

// up makes a dyno one that runs.
func (x *site) up(app kigo.AppID, name string) (d kigo.Dyno) {
	x.t.Helper()
	err := x.Store.Update(x.ctx, func(tx *store.Tx) (err error) {
		if d, err = tx.FindDyno(app, name); err != nil {
			return err
		}
		d.State = kigo.DynoUp
		return tx.UpdateDynoState(&d)
	})
	if err != nil {
		x.t.Fatal(err)
	}
	return d
}
