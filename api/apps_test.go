package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo/client"
)

func TestAnAppLivesAndDies(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	a := s.app("myapp")
	if a.Name != "myapp" || a.Owner.Email != operator || a.Stack.Name != "heroku-22" || a.Region.Name != "us" || a.WebURL != "http://myapp.localhost:8080/" {
		t.Errorf("created %+v", a)
	}
	if a.Generation.Name != "cedar" || a.GitURL != s.URL+"/myapp.git" || a.ReleasedAt == nil || !a.ReleasedAt.Equal(a.CreatedAt) {
		t.Errorf("created %+v", a)
	}
	byID, err := s.App(ctx, a.ID)
	must(t, err)
	if byID.ID != a.ID {
		t.Errorf("by id: %+v", byID)
	}
	on := true
	renamed, err := s.UpdateApp(ctx, "myapp", client.AppChange{Name: ptr("other-app"), Maintenance: &on, BuildStack: ptr("heroku-24")})
	must(t, err)
	if renamed.Name != "other-app" || !renamed.Maintenance || renamed.BuildStack.Name != "heroku-24" || renamed.ID != a.ID {
		t.Errorf("changed %+v", renamed)
	}
	generated, err := s.CreateApp(ctx, client.NewApp{})
	must(t, err)
	apps, err := s.Apps(ctx)
	must(t, err)
	if len(apps) != 2 || generated.Name == "" {
		t.Errorf("%d apps, generated %q", len(apps), generated.Name)
	}
	gone, err := s.DestroyApp(ctx, "other-app")
	must(t, err)
	if gone.ID != a.ID || gone.Name != "other-app" {
		t.Errorf("destroyed %+v", gone)
	}
	if _, err := s.App(ctx, "other-app"); !client.IsNotFound(err) || err.Error() != "Couldn't find that app." {
		t.Errorf("after its end: %v", err)
	}
}

func TestAppNamesAreChecked(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.app("taken")
	for name, want := range map[string]string{
		"taken":                 "taken",
		"ab":                    "too short",
		"":                      "too short",
		strings.Repeat("a", 31): "too long",
		"Upper":                 "lowercase",
		"a;id":                  "lowercase",
		"`id`":                  "lowercase",
		"--help":                "lowercase",
		".":                     "too short",
		"a.b":                   "lowercase",
		"abc\u202egpj":          "lowercase",
		"$(id)":                 "lowercase",
		"a b c":                 "lowercase",
		"-rf":                   "lowercase",
		"../x":                  "lowercase",
		"a/b/c":                 "lowercase",
		"1abc":                  "lowercase",
		"abc-":                  "lowercase",
		"abc\u0000d":            "lowercase",
		"abc\n":                 "lowercase",
		"smile\U0001F600":       "lowercase",
		"\u0430pple":            "lowercase",
		"api":                   "reserved",
		"www":                   "reserved",
		"xn--80ak6aa92e":        "stands for other letters",
	} {
		_, err := s.CreateApp(t.Context(), client.NewApp{Name: name})
		if name == "" { // the client leaves an empty name out: send it
			err = s.Do(t.Context(), "POST", "/apps", map[string]string{"name": ""}, nil)
		}
		wantError(t, err, http.StatusUnprocessableEntity, "invalid_params", want)
		if name != "taken" && name != "" {
			_, err = s.UpdateApp(t.Context(), "taken", client.AppChange{Name: &name})
			wantError(t, err, http.StatusUnprocessableEntity, "invalid_params", want)
		}
	}
	s.app(strings.Repeat("a", 30))
	s.app("abc")
}

func TestAnAppHasAnOwnerFeaturesAndADomain(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	s.app("myapp")
	people, err := s.Collaborators(ctx, "myapp")
	must(t, err)
	if len(people) != 1 || people[0].User.Email != operator || *people[0].Role != "owner" {
		t.Errorf("collaborators %+v", people)
	}
	must(t, s.Do(ctx, "GET", "/apps/myapp/collaborators/"+operator, nil, nil))
	wantError(t, s.Do(ctx, "GET", "/apps/myapp/collaborators/who@example.com", nil, nil), 404, "not_found", "Couldn't find that collaborator.")

	features, err := s.AppFeatures(ctx, "myapp")
	must(t, err)
	if len(features) == 0 {
		t.Fatal("no features")
	}
	f, err := s.SetAppFeature(ctx, "myapp", features[0].Name, true)
	must(t, err)
	again, err := s.AppFeature(ctx, "myapp", f.ID)
	must(t, err)
	if !f.Enabled || !again.Enabled || again.Name != features[0].Name {
		t.Errorf("enabled %+v, then %+v", f, again)
	}
	_, err = s.AppFeature(ctx, "myapp", "nonsense")
	wantError(t, err, 404, "not_found", "Couldn't find that app feature.")
	wantError(t, s.Do(ctx, "PATCH", "/apps/myapp/features/"+f.Name, map[string]any{}, nil), 422, "invalid_params", "enabled is required")

	domains, err := s.Domains(ctx, "myapp")
	must(t, err)
	if len(domains) != 1 || domains[0].Hostname != "myapp.localhost" || domains[0].Kind != "heroku" {
		t.Fatalf("domains %+v", domains)
	}
	d, err := s.Domain(ctx, "myapp", "MYAPP.localhost")
	must(t, err)
	if d.ID != domains[0].ID {
		t.Errorf("by host %+v", d)
	}
}

func TestWhatIsNotProvidedIsSaidPlainly(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	s.app("myapp")
	for _, path := range []string{
		"/teams", "/addons", "/addon-attachments", "/addon-services", "/pipelines", "/pipeline-couplings", "/spaces", "/account/keys",
		"/oauth/clients", "/oauth/sessions", "/account/app-transfers", "/account/features", "/apps/myapp/addons",
		"/apps/myapp/addon-attachments", "/apps/myapp/log-drains", "/apps/myapp/sni-endpoints", "/apps/myapp/webhooks",
		"/apps/myapp/telemetry-drains", "/favorites",
	} {
		var out []any
		must(t, s.Do(ctx, "GET", path, nil, &out))
		if out == nil || len(out) != 0 {
			t.Errorf("%s: %v", path, out)
		}
	}
	for path, id := range map[string]string{
		"/apps/myapp/pipeline-couplings": "pipeline coupling", "/teams/x": "team", "/teams/x/apps": "team", "/spaces/x": "space",
		"/apps/myapp/addons/x": "add-on", "/account/features/x": "account feature", "/apps/myapp/addon-attachments/x": "add-on",
	} {
		wantError(t, s.Do(ctx, "GET", path, nil, nil), 404, "not_found", "Couldn't find that "+id+".")
	}
	for _, path := range []string{"/actions/addons/resolve", "/actions/addon-attachments/resolve"} {
		wantError(t, s.Do(ctx, "POST", path, map[string]string{"addon": "x"}, nil), 404, "not_found", "add-on")
	}
	wantError(t, s.Do(ctx, "POST", "/apps/myapp/addons", map[string]string{"plan": "heroku-postgresql:mini"}, nil), 422, "invalid_params", "no add-on providers")
	wantError(t, s.Do(ctx, "DELETE", "/oauth/sessions/~", nil, nil), 404, "not_found", "Couldn't find that session.")
	wantError(t, s.Do(ctx, "PATCH", "/account/features/x", map[string]bool{"enabled": true}, nil), 404, "not_found", "account feature")
}

// wantError checks status, id and a part of the sentence.
func wantError(t *testing.T, err error, status int, id, part string) {
	t.Helper()
	e, ok := err.(*client.Error)
	if !ok {
		t.Errorf("got %v, want %d %s", err, status, id)
		return
	}
	if e.Status != status || e.ID != id || !strings.Contains(e.Message, part) {
		t.Errorf("got %d %s %q, want %d %s with %q", e.Status, e.ID, e.Message, status, id, part)
	}
}

func ptr[T any](v T) *T { return &v }
