package control_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/store"
)

func testRun(t *testing.T, x *site) {
	app := x.app("myapp")
	_, err := x.RunDyno(x.ctx, x.actor, app.ID, control.NewDyno{Command: "bash"})
	refused(t, "without code", err, kigo.IDInvalidParams, "myapp has no code to run yet")
	r := x.deploy(app.ID, web)
	d := must(x.RunDyno(x.ctx, x.actor, app.ID, control.NewDyno{Command: "bash", Attach: true, NoTTY: true, Env: map[string]string{"A": "1"}}))(t)
	x.logged("Starting process with command `bash` by user E")
	if !regexp.MustCompile(`^run\.[1-9]\d{3}$`).MatchString(d.Name()) {
		t.Errorf("name %q", d.Name())
	}
	same(t, "dyno", []any{d.Release, d.Version, d.Size, d.OneOff, d.Attach.Wanted, d.Attach.NoTTY, d.Env["A"], d.State},
		[]any{r.ID, r.Version, "Basic", true, true, true, "1", kigo.DynoStarting})
	if len(d.Attach.Secret) < 22 {
		t.Errorf("secret %q is shorter than 128 bits", d.Attach.Secret)
	}
	same(t, "by its secret", read(x, func(tx *store.Tx) (kigo.Dyno, error) { return tx.DynoBySecret(d.Attach.Secret) }).ID, d.ID)
	same(t, "detached", must(x.RunDyno(x.ctx, x.actor, app.ID, control.NewDyno{Command: "ls"}))(t).Attach, kigo.Attach{})

	for command, want := range map[string]string{"worker": "bin/worker", "worker --once 1": "bin/worker --once 1", "workers": "workers", "echo web": "echo web"} {
		same(t, command, must(x.RunDyno(x.ctx, x.actor, app.ID, control.NewDyno{Command: command}))(t).Command, want)
	}
	d = must(x.RunDyno(x.ctx, x.actor, app.ID, control.NewDyno{Command: "ls", Type: "worker", Size: "basic"}))(t)
	same(t, "type and size", []any{d.Type, d.Size, d.Number >= 1000}, []any{"worker", "Basic", true})
	for name, n := range map[string]control.NewDyno{
		"no command":     {Command: " "},
		"NUL":            {Command: "a\x00"},
		"type":           {Command: "ls", Type: "a b"},
		"release":        {Command: "ls", Type: "release"},
		"size":           {Command: "ls", Size: "huge"},
		"tier":           {Command: "ls", Size: "Standard-1X"},
		"env name":       {Command: "ls", Env: map[string]string{"A B": "1"}},
		"env value":      {Command: "ls", Env: map[string]string{"A": "\xff"}},
		"time to live":   {Command: "ls", TTL: -1},
		"command length": {Command: long(17 << 10)},
	} {
		_, err := x.RunDyno(x.ctx, x.actor, app.ID, n)
		refused(t, name, err, kigo.IDInvalidParams, "")
	}
	must(x.Scale(x.ctx, x.actor, app.ID, []control.FormationChange{{Type: "web", Size: ptr("performance-l")}}))(t)
	same(t, "size beside large dynos", must(x.RunDyno(x.ctx, x.actor, app.ID, control.NewDyno{Command: "ls"}))(t).Size, "Standard-1X")
}

func testStop(t *testing.T, x *site) {
	app := x.app("myapp")
	r := x.deploy(app.ID, web)
	for _, c := range []struct {
		name string
		do   func(which string) error
		what string
		want string // names marked to stop
	}{
		{"restart all", x.restart(app.ID), "", "web.1 web.2 worker.1"},
		{"restart a dyno", x.restart(app.ID), "web.2", "web.2"},
		{"restart a type", x.restart(app.ID), "web", "web.1 web.2"},
		{"restart a one-off", x.restart(app.ID), "run.1234", "run.1234"},
		{"restart one-offs", x.restart(app.ID), "run", ""},
		{"stop a dyno", x.stop(app.ID), "worker.1", "worker.1"},
		{"stop a type", x.stop(app.ID), "web", "web.1 web.2"},
		{"stop one-offs", x.stop(app.ID), "run", "run.1234"},
		{"stop by id", x.stop(app.ID), "ID", "web.1"},
	} {
		x.setDynos(app.ID, r)
		what := c.what
		if what == "ID" {
			what = string(read(x, func(tx *store.Tx) (kigo.Dyno, error) { return tx.FindDyno(app.ID, "web.1") }).ID)
		}
		if err := c.do(what); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		revision := read(x, (*store.Tx).Revision)
		same(t, c.name, x.stopping(app.ID), c.want)
		if err := c.do(what); err != nil {
			t.Fatalf("%s again: %v", c.name, err)
		}
		same(t, c.name+" again", read(x, (*store.Tx).Revision), revision)
	}
	for what, text := range map[string]string{"web.9": "Couldn't find that dyno.", "foo": "Couldn't find that process type (foo).", "a b": "dyno"} {
		refused(t, "restart "+what, x.restart(app.ID)(what), kigo.IDNotFound, text)
		refused(t, "stop "+what, x.stop(app.ID)(what), kigo.IDNotFound, text)
	}
	refused(t, "stop nothing", x.stop(app.ID)(""), kigo.IDInvalidParams, "Name the dyno")
}

func (x *site) restart(app kigo.AppID) func(string) error {
	return func(which string) error { return x.RestartDynos(x.ctx, x.actor, app, which) }
}

func (x *site) stop(app kigo.AppID) func(string) error {
	return func(which string) error { return x.StopDynos(x.ctx, x.actor, app, which) }
}

// setDynos replaces an app's dynos by four that shall run.
func (x *site) setDynos(app kigo.AppID, r kigo.Release) {
	x.t.Helper()
	err := x.Store.Update(x.ctx, func(tx *store.Tx) error {
		old, err := tx.Dynos(app)
		if err != nil {
			return err
		}
		for _, d := range old {
			if err := tx.DeleteDyno(d.ID); err != nil {
				return err
			}
		}
		for _, d := range []kigo.Dyno{{Type: "web", Number: 1}, {Type: "web", Number: 2}, {Type: "worker", Number: 1}, {Type: "run", Number: 1234, OneOff: true}} {
			d.App, d.Release = app, r.ID
			if err := tx.CreateDyno(&d); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		x.t.Fatal(err)
	}
}

func (x *site) stopping(app kigo.AppID) (names string) {
	for _, d := range read(x, func(tx *store.Tx) ([]kigo.Dyno, error) { return tx.Dynos(app) }) {
		if d.Stop {
			if names != "" {
				names += " "
			}
			names += d.Name()
		}
	}
	return names
}

func testStay(t *testing.T, x *site) {
	app := x.app("myapp")
	x.setDynos(app.ID, x.deploy(app.ID, web))
	x.up(app.ID, "web.1")
	other := x.other()
	must(x.AddCollaborator(x.ctx, x.actor, app.ID, other.Email, nil))(t)
	let := func(expires time.Duration) (a control.Actor, dyno, inside kigo.Dyno) {
		t.Helper()
		_, token, err := x.CreateAuthorization(x.ctx, other, control.NewAuthorization{Scope: []string{"global"}, ExpiresIn: expires})
		if err != nil {
			t.Fatal(err)
		}
		if a, _, err = x.Authenticate(x.ctx, token); err != nil {
			t.Fatal(err)
		}
		dyno = must(x.RunDyno(x.ctx, a, app.ID, control.NewDyno{Command: "bash", Attach: true}))(t)
		return a, dyno, must(x.RunInside(x.ctx, a, app.ID, "web.1", control.NewDyno{Command: "bash"}))(t)
	}
	check := func(when string, a control.Actor, d, inside kigo.Dyno, words string) {
		t.Helper()
		row := func(d kigo.Dyno) kigo.Dyno {
			return read(x, func(tx *store.Tx) (kigo.Dyno, error) { return tx.Dyno(d.ID) })
		}
		for what, err := range map[string]error{"attached": x.MayAttach(x.ctx, row(d)), "inside another": x.MayAttach(x.ctx, row(inside)),
			"exec": x.MayExec(x.ctx, a.ID, a.Authorization, d.ID)} {
			if words == "" && err != nil || words != "" && (err == nil || !strings.Contains(err.Error(), words)) {
				t.Errorf("%s, %s: %v", when, what, err)
			}
		}
	}
	revoked, r, ri := let(0)
	kept, k, ki := let(0)
	check("first", revoked, r, ri, "")
	must(x.RevokeAuthorization(x.ctx, other, revoked.Authorization))(t)
	check("after its token was revoked", revoked, r, ri, "revoked")
	check("while another was revoked", kept, k, ki, "")
	must(x.RemoveCollaborator(x.ctx, x.actor, app.ID, other.Email))(t)
	check("after it was removed", kept, k, ki, "Couldn't find that app.")
	if err := x.MayExec(x.ctx, x.actor.ID, "", "nosuch"); !errors.Is(err, kigo.ErrConflict) {
		t.Errorf("a dyno that is no more: %v", err)
	}
}
