package api_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kigo-dev/kigo/api"
	"github.com/kigo-dev/kigo/client"
)

// paths fills the patterns of the table of routes with things that exist.
func (s *server) paths(app string) func(pattern string) string {
	r := s.deploy(app, map[string]string{"web": "./web"})
	builds, err := s.Builds(s.t.Context(), app, client.ListOptions{})
	must(s.t, err)
	must(s.t, s.Do(s.t.Context(), "POST", "/kigo/enterprise-accounts", map[string]string{"name": "myfirm"}, nil))
	must(s.t, s.Do(s.t.Context(), "POST", "/enterprise-accounts/myfirm/teams", map[string]string{"name": "myteam"}, nil))
	fill := strings.NewReplacer(
		"{other}", app, "{certificate}", "x", "{meter}", "x", "{resource}", "x", "{token}", "x", "{account}", "nobody@example.com", "{reset}", "x", "{login}", "x", "{webhook}", "x", "{delivery}", "x", "{event}", "x", "{enterprise}", "myfirm", "{member}", "x", "{invitation}", "x", "{provider}", "x", "{invoice}", "x", "{service}", "x", "{year}", "2026", "{month}", "01",
		"{app}", app, "{user}", "~", "{build}", builds[0].ID, "{release}", r.ID, "{slug}", r.Slug.ID, "{dyno}", "web.1",
		"{type}", "web", "{formation}", "web", "{domain}", app+".localhost", "{feature}", "preboot", "{collaborator}", operator,
		"{authorization}", "~", "{session}", "~", "{stack}", "heroku-22", "{region}", "us", "{size}", "basic", "{addon}", "x",
		"{key}", "x", "{transfer}", "x", "{client}", "x", "{drain}", "x", "{endpoint}", "x", "{pipeline}", "x", "{coupling}", "x", "{promotion}", "x",
		"{team}", "myteam", "{space}", "x", "{buildpack}", "heroku%2Fgo", "{stream}", "x", "*", "x",
	)
	return fill.Replace
}

func TestEveryRouteWantsAToken(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.app("myapp")
	path := s.paths("myapp")
	made, err := s.CreateAuthorization(t.Context(), client.NewAuthorization{})
	must(t, err)
	_, err = s.RevokeAuthorization(t.Context(), made.ID)
	must(t, err)
	revoked := made.AccessToken.Token
	expired := s.scopedUntil(t, time.Second)
	for _, rt := range api.Routes() {
		if rt.Open() {
			continue
		}
		p := path(rt.Pattern)
		for name, token := range map[string]string{"none": "", "wrong": "HRKU-wrong", "revoked": revoked, "expired": expired} {
			resp, body := s.raw(rt.Method, p, token, nil, nil)
			want := "Invalid credentials provided."
			if name == "none" {
				want = "There were no credentials in your `Authorization` header."
			}
			if strings.HasPrefix(resp.Header.Get("WWW-Authenticate"), "Basic") {
				t.Errorf("%s %s makes browsers ask for a password", rt.Method, p)
			}
			if resp.StatusCode != http.StatusUnauthorized || !strings.Contains(string(body), want) {
				t.Errorf("%s %s with %s token: %d %s", rt.Method, p, name, resp.StatusCode, body)
			}
		}
	}
}

func TestForeignAppsAreNotFound(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.app("myapp")
	path := s.paths("myapp")
	other := s.second("other@example.com", "global")
	for _, rt := range api.Routes() {
		if !strings.HasPrefix(rt.Pattern, "/apps/{app}") {
			continue
		}
		resp, body := s.raw(rt.Method, path(rt.Pattern), other, nil, []byte("{}"))
		if resp.StatusCode != http.StatusNotFound || !strings.Contains(string(body), "Couldn't find that app.") {
			t.Errorf("%s %s by another account: %d %s", rt.Method, rt.Pattern, resp.StatusCode, body)
		}
	}
	apps, err := s.as(other).Apps(t.Context())
	must(t, err)
	if len(apps) != 0 {
		t.Errorf("another account sees %+v", apps)
	}
	own, err := s.Authorization(t.Context(), "~")
	must(t, err)
	_, err = s.as(other).Authorization(t.Context(), own.ID)
	wantError(t, err, 404, "not_found", "Couldn't find that authorization.")
	_, err = s.as(other).RevokeAuthorization(t.Context(), own.ID)
	wantError(t, err, 404, "not_found", "Couldn't find that authorization.")
	if _, err := s.App(t.Context(), "myapp"); err != nil {
		t.Errorf("after all that: %v", err)
	}
}

func TestScopesAreEnforcedOnEveryRoute(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.app("myapp")
	path := s.paths("myapp")
	tokens := map[string]string{}
	for _, scope := range []string{"identity", "read", "write", "read-protected", "write-protected"} {
		tokens[scope] = s.scoped(scope)
	}
	for _, rt := range api.Routes() {
		if rt.Open() || rt.Method == http.MethodDelete {
			continue
		}
		for scope, token := range tokens {
			resp, body := s.raw(rt.Method, path(rt.Pattern), token, nil, []byte(`[`)) // refused before the body matters, or for it
			forbidden := resp.StatusCode == http.StatusForbidden && strings.Contains(string(body), `"forbidden"`)
			if allowed := rt.Allows(scope); allowed == forbidden {
				t.Errorf("%s %s with scope %s: %d %s", rt.Method, rt.Pattern, scope, resp.StatusCode, body)
			}
		}
	}
}

func TestBasicAuthTakesTheTokenAsPassword(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for _, user := range []string{"", "heroku", operator} {
		value := base64.StdEncoding.EncodeToString([]byte(user + ":" + s.token))
		resp, body := s.raw("GET", "/account", "", http.Header{"Authorization": {"Basic " + value}}, nil)
		if resp.StatusCode != http.StatusOK {
			t.Errorf("user %q: %d %s", user, resp.StatusCode, body)
		}
	}
}

func TestIdsMatchExactly(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	a := s.app("myapp")
	for _, id := range []string{a.ID[:8], strings.ToUpper(a.ID), "MYAPP", "myap", "myapp ", a.ID + "0", "%00", "..", "myapp%2F"} {
		resp, _ := s.raw("GET", "/apps/"+id, s.token, nil, nil)
		if resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", id, resp.StatusCode)
		}
	}
}

// scopedUntil is a token that has run out when this returns.
func (s *server) scopedUntil(t *testing.T, life time.Duration) string {
	t.Helper()
	a, err := s.CreateAuthorization(t.Context(), client.NewAuthorization{ExpiresIn: ptr(int(life.Seconds()))})
	must(t, err)
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		var refused *client.Error
		if _, err := s.as(a.AccessToken.Token).Account(t.Context()); errors.As(err, &refused) && refused.Status == http.StatusUnauthorized {
			return a.AccessToken.Token
		}
	}
	t.Fatal("a token of one second still works after a minute")
	return ""
}
