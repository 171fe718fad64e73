package api_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/store"
)

func TestProcessTypesAreScaled(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	s.app("myapp")
	s.deploy("myapp", map[string]string{"web": "./web", "worker": "./work"})
	types, err := s.Formation(ctx, "myapp")
	must(t, err)
	if len(types) != 2 || types[0].Type != "web" || types[0].Quantity != 1 || types[1].Quantity != 0 || types[0].Size != "Basic" {
		t.Errorf("after the first deploy %+v", types)
	}
	changed, err := s.Scale(ctx, "myapp", []client.FormationChange{{Type: "web", Quantity: ptr(3), Size: "standard-1x"}, {Type: "worker", Quantity: ptr(2), Size: "standard-2x"}})
	must(t, err)
	if len(changed) != 2 || changed[0].Quantity != 3 || changed[0].Size != "Standard-1X" || changed[1].DynoSize.Name != "Standard-2X" {
		t.Errorf("scaled %+v", changed)
	}
	var out []client.Formation
	must(t, s.Do(ctx, "PATCH", "/apps/myapp/formation", map[string]any{"updates": []any{
		map[string]string{"type": "web", "quantity": "+1"}, map[string]string{"type": "worker", "quantity": "-1"},
	}}, &out))
	if len(out) != 2 || out[0].Quantity != 4 || out[1].Quantity != 1 {
		t.Errorf("relative %+v", out)
	}
	var one client.Formation
	must(t, s.Do(ctx, "PATCH", "/apps/myapp/formation/web", map[string]any{"quantity": "2", "dyno_size": map[string]string{"id": out[1].DynoSize.ID}}, &one))
	if one.Quantity != 2 || one.Size != "Standard-2X" {
		t.Errorf("one %+v", one)
	}
	must(t, s.Do(ctx, "GET", "/apps/myapp/formation/"+one.ID, nil, &one))
	wantError(t, s.Do(ctx, "GET", "/apps/myapp/formation/nosuch", nil, nil), 404, "not_found", "Couldn't find that")
}

func TestDynosAreListedRestartedAndStopped(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	s.app("myapp")
	r := s.deploy("myapp", map[string]string{"web": "./web"})
	d := kigo.Dyno{App: kigo.AppID(r.App.ID), Release: kigo.ReleaseID(r.ID), Version: r.Version, Type: "web", Number: 1, Command: "./web", Size: "Basic", State: kigo.DynoUp}
	must(t, s.store.Update(ctx, func(tx *store.Tx) error { return tx.CreateDyno(&d) }))
	dynos, err := s.Dynos(ctx, "myapp")
	must(t, err)
	if len(dynos) != 1 || dynos[0].Name != "web.1" || dynos[0].Release.Version != r.Version || dynos[0].AttachURL != nil || dynos[0].App.Name != "myapp" {
		t.Fatalf("dynos %+v", dynos)
	}
	for _, which := range []string{"web.1", dynos[0].ID} {
		got, err := s.Dyno(ctx, "myapp", which)
		must(t, err)
		if got.ID != dynos[0].ID {
			t.Errorf("%s: %+v", which, got)
		}
	}
	must(t, s.RestartDyno(ctx, "myapp", "web.1"))
	must(t, s.RestartType(ctx, "myapp", "web"))
	must(t, s.RestartDynos(ctx, "myapp"))
	must(t, s.StopType(ctx, "myapp", "web"))
	for _, err := range []error{
		s.RestartDyno(ctx, "myapp", "web.9"), s.StopDyno(ctx, "myapp", "nosuch.1"), s.RestartType(ctx, "myapp", "nosuch"), s.StopType(ctx, "myapp", "nosuch"),
	} {
		wantError(t, err, 404, "not_found", "Couldn't find that")
	}
}

func TestOneOffsRunAttachedAndDetached(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	s.app("myapp")
	_, err := s.RunDyno(ctx, "myapp", client.NewDyno{Command: "ls"})
	if err == nil {
		t.Log("a one-off may run before any code is deployed")
	}
	s.deploy("myapp", map[string]string{"web": "./web"})
	d, err := s.RunDyno(ctx, "myapp", client.NewDyno{Command: "bash", Attach: true, Env: map[string]string{"TERM": "xterm", "COLUMNS": "80"}, Size: "basic", Type: "worker"})
	must(t, err)
	if d.AttachURL == nil || !strings.HasPrefix(*d.AttachURL, "rendezvous://localhost:5001/") || d.Size != "Basic" || d.Type != "worker" || d.State != "starting" {
		t.Errorf("attached %+v", d)
	}
	detached, err := s.RunDyno(ctx, "myapp", client.NewDyno{Command: "sleep 1", TimeToLive: 60})
	must(t, err)
	if detached.AttachURL != nil || !strings.HasPrefix(detached.Name, "run.") || detached.Command != "sleep 1" {
		t.Errorf("detached %+v", detached)
	}
	must(t, s.StopDyno(ctx, "myapp", detached.Name))
}

func TestSizesStacksAndRegionsAreListed(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	s.app("myapp")
	sizes, err := s.DynoSizes(ctx)
	must(t, err)
	if len(sizes) != len(kigo.Sizes) || sizes[0].Memory != 0.5 {
		t.Errorf("sizes %+v", sizes)
	}
	stacks, err := s.Stacks(ctx)
	must(t, err)
	regions, err := s.Regions(ctx)
	must(t, err)
	if len(stacks) != 2 || !stacks[0].Default || stacks[0].Name != "heroku-22" || len(regions) == 0 || regions[0].Name != "us" {
		t.Errorf("stacks %+v, regions %+v", stacks, regions)
	}
	for _, path := range []string{
		"/dyno-sizes/standard-1x", "/dyno-sizes/" + sizes[0].ID, "/stacks/heroku-24", "/stacks/" + stacks[1].ID, "/regions/us",
		"/regions/" + regions[0].ID, "/apps/myapp/available-dyno-sizes", "/apps/myapp/available-stacks",
	} {
		must(t, s.Do(ctx, "GET", path, nil, nil))
	}
	for path, what := range map[string]string{"/dyno-sizes/huge": "dyno size", "/stacks/windows-95": "stack", "/regions/mars": "region"} {
		wantError(t, s.Do(ctx, "GET", path, nil, nil), 404, "not_found", "Couldn't find that "+what+".")
	}
	byID, err := s.CreateApp(ctx, client.NewApp{Name: "by-id", Stack: stacks[1].ID, Region: regions[0].ID})
	must(t, err)
	if byID.Stack.Name != "heroku-24" || byID.Region.Name != "us" {
		t.Errorf("made by ids %+v", byID)
	}
}

func itoa(n int) string { return strconv.Itoa(n) }
