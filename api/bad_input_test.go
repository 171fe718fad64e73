package api_test

import (
	"bytes"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo/api"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/store"
)

func TestFieldsThatAreNotForUsersAreIgnored(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	bob := s.second("bob@example.com", "global")
	var made client.App
	must(t, s.Do(ctx, "POST", "/apps", map[string]any{
		"name": "myapp", "id": "11111111-1111-4111-8111-111111111111", "owner": map[string]any{"email": "bob@example.com"}, "created_at": "2001-01-01T00:00:00Z",
		"slug_size": 7, "archived_at": "2001-01-01T00:00:00Z", "stack": "heroku-22",
	}, &made))
	check := func(when string) {
		t.Helper()
		app, err := s.App(ctx, "myapp")
		must(t, err)
		if app.ID != made.ID || strings.HasPrefix(app.ID, "11111111") || app.Owner.Email != operator || app.CreatedAt.Year() == 2001 || app.SlugSize != nil {
			t.Errorf("%s: %+v", when, app)
		}
		if _, err := s.as(bob).App(ctx, "myapp"); err == nil {
			t.Errorf("%s: the named owner has got the app", when)
		}
	}
	check("made")
	must(t, s.Do(ctx, "PATCH", "/apps/myapp", map[string]any{"maintenance": false, "id": "x", "owner": map[string]any{"email": "bob@example.com"}, "locked": true}, nil))
	check("changed")

	var me client.Account
	must(t, s.as(bob).Do(ctx, "PATCH", "/account", map[string]any{"name": "Bob", "id": string(s.account.ID), "verified": false, "operator": true, "two_factor_authentication": true}, &me))
	if me.Email != "bob@example.com" || me.ID == string(s.account.ID) || me.TwoFactorAuthentication {
		t.Errorf("account %+v", me)
	}
	wantError(t, s.as(bob).Do(ctx, "POST", "/kigo/enterprise-accounts", map[string]any{"name": "firm"}, nil), 403, "forbidden", "operator")
	narrow := s.scoped("read")
	must(t, s.Do(ctx, "GET", "/oauth/authorizations/~", nil, nil))
	wantError(t, s.as(narrow).Do(ctx, "PATCH", "/oauth/authorizations/~", map[string]any{"scope": []string{"global"}, "description": "d"}, nil), 403, "forbidden", "scope")
}

// Go reads two members of one name as the last of them, as most clients write them.
func TestOfTwoMembersOfOneNameTheLastCounts(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.app("myapp")
	resp, body := s.raw("PATCH", "/apps/myapp/config-vars", s.token, nil, []byte(`{"A":"1","B":"x","A":"2"}`))
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	vars, err := s.ConfigVars(t.Context(), "myapp")
	must(t, err)
	if vars["A"] != "2" || vars["B"] != "x" || len(vars) != 2 {
		t.Errorf("vars %v", vars)
	}
	resp, body = s.raw("POST", "/apps", s.token, nil, []byte(`{"name":"one-name","name":"other-name"}`))
	if resp.StatusCode != http.StatusCreated || !bytes.Contains(body, []byte(`"other-name"`)) {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

// A value that was set is told where config vars are, and nowhere else: not by another
// route, in the log, the record of changes or any file.
func TestTheValueOfAConfigVarIsNowhereElse(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	s.app("myapp")
	const canary = "canary-7f3a91"
	_, err := s.SetConfigVars(ctx, "myapp", map[string]*string{"SECRET": ptr(canary)})
	must(t, err)
	s.deploy("myapp", map[string]string{"web": "bin/web"})
	_, err = s.SetConfigVars(ctx, "myapp", map[string]*string{"BAD NAME": ptr(canary)})
	if err == nil || strings.Contains(err.Error(), canary) {
		t.Errorf("the error of a bad name: %v", err)
	}
	path := s.paths("myapp")
	told := 0
	for _, rt := range api.Routes() {
		if rt.Method != http.MethodGet {
			continue
		}
		_, body := s.raw("GET", path(rt.Pattern), s.token, nil, nil)
		if !bytes.Contains(body, []byte(canary)) {
			continue
		}
		told++
		if !strings.Contains(rt.Pattern, "config-vars") {
			t.Errorf("GET %s tells the value", rt.Pattern)
		}
	}
	if told < 2 {
		t.Errorf("%d routes tell the value: the check sees nothing", told)
	}
	must(t, s.store.View(ctx, func(tx *store.Tx) error {
		events, err := tx.EventsAfter(0, 1000)
		for _, e := range events {
			if bytes.Contains(e.Payload, []byte(canary)) {
				t.Errorf("event %s tells the value", e.Kind)
			}
		}
		return err
	}))
	files := 0
	must(t, filepath.WalkDir(s.dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(name)
		files++
		if bytes.Contains(data, []byte(canary)) {
			t.Errorf("%s holds the value", d.Name())
		}
		return err
	}))
	if files < 2 {
		t.Errorf("%d files were looked at", files)
	}
}

func TestRangesAndHeadersOfAnySizeAreAnswered(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.app("myapp")
	for name, h := range map[string]http.Header{
		"a million ends":   {"Range": {"name " + strings.Repeat("a..", 10_000)}},
		"a huge max":       {"Range": {"name ..; max=99999999999999999999"}},
		"a negative max":   {"Range": {"name ..; max=-1"}},
		"two ranges":       {"Range": {"name a..b", "id c..d"}},
		"an unknown field": {"Range": {"password ..; max=1"}},
		"many types":       {"Accept": {strings.Repeat("text/html,", 5000) + "application/vnd.heroku+json; version=3"}},
		"a long If-Match":  {"If-None-Match": {strings.Repeat(`"x",`, 10_000)}},
		"a long id":        {"Request-Id": {strings.Repeat("x", 30_000)}},
	} {
		resp, body := s.raw("GET", "/apps", s.token, h, nil)
		if !slices.Contains([]int{http.StatusOK, http.StatusPartialContent, http.StatusRequestedRangeNotSatisfiable, http.StatusBadRequest}, resp.StatusCode) {
			t.Errorf("%s: %d %.200s", name, resp.StatusCode, body)
		}
		if len(resp.Header.Get("Request-Id")) > 4096 {
			t.Errorf("%s: an answer's Request-Id of %d bytes", name, len(resp.Header.Get("Request-Id")))
		}
	}
}
