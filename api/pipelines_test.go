package api_test

import (
	"strings"
	"testing"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/store"
)

func TestAPipelinePromotesTheSameCode(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	staging, production, alone := s.app("my-staging"), s.app("my-production"), s.app("alone")
	bob := s.as(s.second("bob@example.com", "global"))
	var p client.Pipeline
	must(t, s.Do(ctx, "POST", "/pipelines", map[string]any{"name": "mypipe", "owner": map[string]any{"id": string(s.account.ID), "type": "user"}}, &p))
	couple := func(c *client.Client, app, stage string) (cp client.PipelineCoupling, err error) {
		err = c.Do(ctx, "POST", "/pipeline-couplings", map[string]any{"app": app, "pipeline": p.ID, "stage": stage}, &cp)
		return cp, err
	}
	first, err := couple(s.Client, staging.ID, "development")
	must(t, err)
	_, err = couple(s.Client, "my-production", "production")
	must(t, err)
	_, err = couple(s.Client, "my-production", "staging")
	wantError(t, err, 422, "invalid_params", "already in a pipeline")
	_, err = couple(s.Client, "alone", "nowhere")
	wantError(t, err, 422, "invalid_params", "Stage")
	_, err = couple(bob, "my-production", "staging")
	wantError(t, err, 404, "not_found", "Couldn't find that app.")
	must(t, s.Do(ctx, "PATCH", "/pipeline-couplings/"+first.ID, map[string]any{"stage": "staging"}, &first))
	if first.Stage != "staging" || first.Pipeline.Name != "mypipe" {
		t.Errorf("moved %+v", first)
	}

	promote := func(targets ...string) (out client.PipelinePromotion, made []client.PipelinePromotionTarget, err error) {
		var list []any
		for _, id := range targets {
			list = append(list, map[string]any{"app": map[string]any{"id": id}})
		}
		err = s.Do(ctx, "POST", "/pipeline-promotions", map[string]any{"pipeline": map[string]any{"id": p.ID}, "source": map[string]any{"app": map[string]any{"id": staging.ID}}, "targets": list}, &out)
		if err == nil {
			must(t, s.Do(ctx, "GET", "/pipeline-promotions/"+out.ID+"/promotion-targets", nil, &made))
			must(t, s.Do(ctx, "GET", "/pipeline-promotions/"+out.ID, nil, &out))
		}
		return out, made, err
	}
	_, _, err = promote(production.ID)
	wantError(t, err, 422, "invalid_params", "no code to promote")
	from := s.deploy("my-staging", map[string]string{"web": "./web"})
	_, err = s.SetConfigVars(ctx, "my-production", map[string]*string{"MODE": ptr("production")})
	must(t, err)
	bobs, err := bob.CreateApp(ctx, client.NewApp{Name: "bobs"})
	must(t, err)
	out, made, err := promote(production.ID, alone.ID, bobs.ID, staging.ID)
	must(t, err)
	status := map[string]string{}
	for _, m := range made {
		status[m.App.ID] = m.Status
		if (m.ErrorMessage != nil) != (m.Status == "failed") || m.Status == "failed" && m.Release != nil {
			t.Errorf("target %+v", m)
		}
	}
	if out.Source.Release.ID != from.ID || status[production.ID] != "succeeded" || status[alone.ID] != "failed" || status[bobs.ID] != "failed" || status[staging.ID] != "failed" {
		t.Errorf("promoted %+v: %v", out, status)
	}
	releases, err := s.Releases(ctx, "my-production", client.ListOptions{})
	must(t, err)
	got := releases[len(releases)-1]
	if !got.Current || !strings.HasPrefix(got.Description, "Promote my-staging v3") {
		t.Errorf("release %+v", got)
	}
	must(t, s.store.View(ctx, func(tx *store.Tx) error {
		a, err := tx.Slug(kigo.SlugID(from.Slug.ID))
		must(t, err)
		b, err := tx.Slug(kigo.SlugID(got.Slug.ID))
		if a.Digest != b.Digest || a.ID == b.ID {
			t.Errorf("slugs %+v and %+v", a, b)
		}
		return err
	}))
	vars, err := s.ConfigVars(ctx, "my-production")
	must(t, err)
	if vars["MODE"] != "production" {
		t.Errorf("config after a promotion: %v", vars)
	}
	if f, err := s.Formation(ctx, "my-production"); err != nil || len(f) != 1 || f[0].Quantity != 1 {
		t.Errorf("formation %+v, %v", f, err)
	}

	for path, want := range map[string]int{
		"/pipelines": 1, "/pipeline-couplings": 2, "/users/~/pipeline-couplings": 2, "/pipelines/mypipe/pipeline-couplings": 2, "/pipelines/" + p.ID + "/latest-builds": 1,
		"/pipelines/mypipe/latest-releases": 2, "/pipelines/mypipe/latest-deployments": 2,
	} {
		var all []map[string]any
		must(t, s.Do(ctx, "GET", path, nil, &all))
		if len(all) != want {
			t.Errorf("%s: %d, want %d", path, len(all), want)
		}
		if strings.Contains(path, "mypipe") {
			wantError(t, bob.Do(ctx, "GET", path, nil, nil), 404, "not_found", "Couldn't find that pipeline.")
		}
	}
	must(t, s.Do(ctx, "GET", "/pipelines/mypipe/pipeline-stack", nil, nil))
	must(t, s.Do(ctx, "GET", "/apps/my-staging/pipeline-couplings", nil, nil))
	must(t, s.Do(ctx, "GET", "/pipeline-couplings/"+first.ID, nil, nil))
	wantError(t, s.Do(ctx, "GET", "/apps/alone/pipeline-couplings", nil, nil), 404, "not_found", "pipeline coupling")
	var apps []client.TeamApp
	must(t, s.Do(ctx, "POST", "/filters/apps", map[string]any{"in": map[string]any{"id": []string{staging.ID, bobs.ID, "x"}}}, &apps))
	if len(apps) != 1 || apps[0].ID != staging.ID {
		t.Errorf("filtered %+v", apps)
	}
	for _, r := range [][2]string{{"GET", "/pipelines/mypipe"}, {"PATCH", "/pipelines/mypipe"}, {"DELETE", "/pipelines/mypipe"}, {"GET", "/pipeline-couplings/" + first.ID},
		{"PATCH", "/pipeline-couplings/" + first.ID}, {"DELETE", "/pipeline-couplings/" + first.ID}, {"GET", "/pipeline-promotions/" + out.ID}, {"GET", "/pipeline-promotions/" + out.ID + "/promotion-targets"}} {
		wantError(t, bob.Do(ctx, r[0], r[1], map[string]any{"name": "stolen", "stage": "staging"}, nil), 404, "not_found", "pipeline")
	}

	must(t, s.Do(ctx, "PATCH", "/pipelines/mypipe", map[string]any{"name": "renamed"}, &p))
	wantError(t, s.Do(ctx, "POST", "/pipelines", map[string]any{"name": "renamed"}, nil), 422, "invalid_params", "taken")
	wantError(t, s.Do(ctx, "POST", "/pipelines", map[string]any{"name": "A B"}, nil), 422, "invalid_params", "Name")
	must(t, s.Do(ctx, "DELETE", "/pipeline-couplings/"+first.ID, nil, nil))
	must(t, s.Do(ctx, "POST", "/pipeline-transfers", map[string]any{"pipeline": map[string]any{"id": p.ID}, "new_owner": map[string]any{"id": "bob@example.com", "type": "user"}}, nil))
	wantError(t, s.Do(ctx, "DELETE", "/pipelines/renamed", nil, nil), 403, "forbidden", "manage")
	must(t, bob.Do(ctx, "GET", "/pipelines/renamed", nil, &p))
	wantError(t, bob.Do(ctx, "DELETE", "/account", nil, nil), 422, "invalid_params", "apps")
	must(t, bob.Do(ctx, "DELETE", "/pipelines/renamed", nil, nil))
	if _, err := s.App(ctx, "my-production"); err != nil {
		t.Errorf("with the pipeline went the app: %v", err)
	}
}

func TestAPipelineHasConfigVarsForItsStages(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	bob := s.as(s.second("bob@example.com", "global"))
	var p client.Pipeline
	must(t, s.Do(ctx, "POST", "/pipelines", map[string]any{"name": "mypipe"}, &p))
	at := "/pipelines/" + p.ID + "/stage/test/config-vars"
	var vars map[string]string
	must(t, s.Do(ctx, "GET", at, nil, &vars))
	if len(vars) > 0 {
		t.Errorf("at first: %v", vars)
	}
	must(t, s.Do(ctx, "PATCH", at, map[string]any{"CI": "1", "GONE": "x"}, &vars))
	must(t, s.Do(ctx, "PATCH", at, map[string]any{"GONE": nil, "TWO": "2"}, nil))
	clear(vars)
	must(t, s.Do(ctx, "GET", at, nil, &vars))
	if len(vars) != 2 || vars["CI"] != "1" || vars["TWO"] != "2" {
		t.Errorf("config vars %v", vars)
	}
	clear(vars)
	must(t, s.Do(ctx, "GET", "/pipelines/"+p.ID+"/stage/review/config-vars", nil, &vars))
	if len(vars) > 0 {
		t.Errorf("of another stage: %v", vars)
	}
	wantError(t, s.Do(ctx, "PATCH", at, map[string]any{"1BAD": "x"}, nil), 422, "invalid_params", "1BAD")
	wantError(t, s.Do(ctx, "PATCH", at, map[string]any{"CI": 1}, nil), 422, "invalid_params", "must be a string")
	wantError(t, s.Do(ctx, "GET", "/pipelines/"+p.ID+"/stage/lunch/config-vars", nil, nil), 422, "invalid_params", "Stage")
	wantError(t, bob.Do(ctx, "GET", at, nil, nil), 404, "not_found", "pipeline")
	wantError(t, bob.Do(ctx, "PATCH", at, map[string]any{"CI": "2"}, nil), 404, "not_found", "pipeline")

	// Who works on an app of it sees it, and not what is secret about it.
	s.app("my-staging")
	must(t, s.Do(ctx, "POST", "/pipeline-couplings", map[string]any{"app": "my-staging", "pipeline": p.ID, "stage": "staging"}, nil))
	must(t, s.Do(ctx, "POST", "/apps/my-staging/collaborators", map[string]any{"user": "bob@example.com", "permissions": []string{"view", "deploy"}}, nil))
	must(t, bob.Do(ctx, "GET", "/pipelines/"+p.ID, nil, nil))
	wantError(t, bob.Do(ctx, "GET", at, nil, nil), 403, "forbidden", "manage")
	must(t, s.store.View(ctx, func(tx *store.Tx) error {
		raw, err := store.RawColumn(tx, "pipeline_config.vars")
		if strings.Contains(string(raw), "TWO") {
			t.Error("config vars of a stage lie open in the database")
		}
		return err
	}))
}

func TestAPipelineKeepsHowItMakesReviewApps(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	var p client.Pipeline
	must(t, s.Do(ctx, "POST", "/pipelines", map[string]any{"name": "mypipe"}, &p))
	at := "/pipelines/" + p.ID + "/review-app-config"
	wantError(t, s.Do(ctx, "GET", at, nil, nil), 404, "not_found", "review app config")
	for text, in := range map[string]map[string]any{
		"OWNER/NAME": {"repo": "noslash"}, "stale_days 99": {"repo": "a/b", "stale_days": 99}, "base_name": {"repo": "a/b", "base_name": "Not A Name"},
		"deploy_target": {"repo": "a/b", "deploy_target": map[string]any{"id": "eu", "type": "region"}},
	} {
		wantError(t, s.Do(ctx, "POST", at, in, nil), 422, "invalid_params", text)
	}
	var r client.ReviewAppConfig
	must(t, s.Do(ctx, "POST", at, map[string]any{"repo": "acme/shop", "base_name": "shop", "wait_for_ci": true}, &r))
	wantError(t, s.Do(ctx, "POST", at, map[string]any{"repo": "acme/shop"}, nil), 422, "invalid_params", "already")
	must(t, s.Do(ctx, "PATCH", at, map[string]any{"pipeline": p.ID, "automatic_review_apps": true, "stale_days": 9}, nil))
	must(t, s.Do(ctx, "GET", at, nil, &r))
	if !r.AutomaticReviewApps || r.StaleDays != 9 || !r.WaitForCI || r.Repo.FullName != "acme/shop" || *r.BaseName != "shop" || r.DeployTarget.ID != "us" {
		t.Errorf("config %+v", r)
	}
	var none []any
	must(t, s.Do(ctx, "GET", "/pipelines/"+p.ID+"/review-apps", nil, &none))
	must(t, s.Do(ctx, "GET", "/pipelines/"+p.ID+"/test-runs", nil, &none))
	wantError(t, s.Do(ctx, "GET", "/pipelines/nobodys/test-runs", nil, &none), 404, "not_found", "pipeline")
	must(t, s.Do(ctx, "DELETE", at, nil, nil))
	wantError(t, s.Do(ctx, "PATCH", at, map[string]any{"stale_days": 9}, nil), 404, "not_found", "review app config")
}

func TestWhatCannotBeMadeHereIsNotFoundWithTheReason(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	s.app("myapp")
	wantError(t, s.Do(ctx, "POST", "/spaces", map[string]any{"name": "x"}, nil), 422, "invalid_params", "another server")
	wantError(t, s.Do(ctx, "PATCH", "/spaces/x", map[string]any{"name": "y"}, nil), 404, "not_found", "Couldn't find that space. ")
	wantError(t, s.Do(ctx, "DELETE", "/apps/myapp/addons/x", nil, nil), 404, "not_found", "Couldn't find that add-on. ")
	wantError(t, s.Do(ctx, "POST", "/test-runs", map[string]any{}, nil), 422, "invalid_params", "no tests")
}

// Heroku's command line looks for a pipeline by its name alone.
func TestPipelinesAreFoundByName(t *testing.T) {
	s := newServer(t)
	for _, name := range []string{"one", "two"} {
		must(t, s.Do(t.Context(), "POST", "/pipelines", map[string]any{"name": name}, nil))
	}
	for query, want := range map[string]int{"": 2, "?eq[name]=two": 1, "?eq%5Bname%5D=one": 1, "?eq[name]=three": 0, "?eq[name]=": 0} {
		var found []client.Pipeline
		must(t, s.Do(t.Context(), "GET", "/pipelines"+query, nil, &found))
		if len(found) != want {
			t.Errorf("%q: %+v, not %d", query, found, want)
		}
	}
}
