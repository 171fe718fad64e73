package api_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/store"
)

// cliLogin is what a command line gets that begins to log in.
type cliLogin struct {
	Browser string `json:"browser_url"`
	CLI     string `json:"cli_url"`
	Token   string
}

func (s *server) beginLogin(description string) (urls cliLogin) {
	s.t.Helper()
	in, err := json.Marshal(map[string]string{"description": description})
	must(s.t, err)
	_, body := s.raw("POST", "/auth", "", nil, in)
	must(s.t, json.Unmarshal(body, &urls))
	return urls
}

// browserLogin logs the operator in as `heroku login` does, and returns the token.
func (s *server) browserLogin(description string) string {
	s.t.Helper()
	must(s.t, s.control.SetPassword(s.t.Context(), s.actor, password))
	urls := s.beginLogin(description)
	form := url.Values{"email": {operator}, "password": {password}}
	for _, want := range []int{http.StatusOK, http.StatusConflict} { // twice, as by a double click
		if resp, html := s.page("POST", urls.Browser, form); resp.StatusCode != want {
			s.t.Fatalf("logged in: %d %s", resp.StatusCode, html)
		}
	}
	if all := s.sessions(); slices.ContainsFunc(all, func(x client.Session) bool { return x.Description == description }) {
		s.t.Errorf("there are sessions before anybody has their token: %+v", all)
	}
	_, body := s.raw("GET", urls.CLI, urls.Token, nil, nil)
	var got struct {
		AccessToken string `json:"access_token"`
	}
	must(s.t, json.Unmarshal(body, &got))
	return got.AccessToken
}

// sessions are the operator's, the last in the alphabet first.
func (s *server) sessions() (all []client.Session) {
	s.t.Helper()
	must(s.t, s.Do(s.t.Context(), "GET", "/oauth/sessions", nil, &all))
	slices.SortFunc(all, func(a, b client.Session) int { return strings.Compare(b.Description, a.Description) })
	return all
}

func TestALoginByBrowserIsASessionThatCanBeEnded(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	must(t, s.Do(ctx, "POST", "/oauth/authorizations", map[string]string{"description": "no session"}, nil))
	laptop, desk := s.browserLogin("laptop"), s.browserLogin("desk")
	all := s.sessions()
	if len(all) != 2 || all[0].Description != "laptop" || all[1].Description != "desk" || *all[0].ExpiresIn < 29*86400 {
		t.Fatalf("sessions %+v", all)
	}
	var auth client.Authorization
	must(t, s.Do(ctx, "GET", "/oauth/authorizations/"+all[0].Authorization.ID, nil, &auth))
	if auth.Session == nil || auth.Session.ID != all[0].ID {
		t.Errorf("the authorization is of session %+v, not %s", auth.Session, all[0].ID)
	}

	var ended client.Session
	must(t, s.Do(ctx, "DELETE", "/oauth/sessions/"+all[0].ID, nil, &ended))
	if ended.ID != all[0].ID || ended.Description != all[0].Description {
		t.Errorf("ended %+v", ended)
	}
	_, err := s.as(laptop).Account(ctx)
	wantError(t, err, 401, "unauthorized", "")
	wantError(t, s.Do(ctx, "DELETE", "/oauth/sessions/"+all[0].ID, nil, nil), 404, "not_found", "Couldn't find that session.")
	if e := s.lastEvent("authorization.delete"); e.Actor != operator || !strings.Contains(string(e.Payload), all[0].ID) {
		t.Errorf("the audit says %+v", e)
	}

	// What `heroku logout` asks for ends the session of the token in use, and no other.
	wantError(t, s.Do(ctx, "DELETE", "/oauth/sessions/~", nil, nil), 404, "not_found", "Couldn't find that session.")
	_, err = s.as(desk).Account(ctx)
	must(t, err)
	must(t, s.as(desk).Do(ctx, "DELETE", "/oauth/sessions/~", nil, nil))
	_, err = s.as(desk).Account(ctx)
	wantError(t, err, 401, "unauthorized", "")
	if all := s.sessions(); len(all) != 0 {
		t.Errorf("left are %+v", all)
	}
}

func TestACommandLineIsCalledByWhatCanBePrinted(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for said, want := range map[string]string{
		"": "Command line", "a\x00b\x1b[31m\n": "ab[31m", "x" + strings.Repeat("é", 150): "x" + strings.Repeat("é", 99),
	} {
		s.browserLogin(said)
		if all := s.sessions(); len(all) != 1 || all[0].Description != want {
			t.Fatalf("%q is called %+v", said, all)
		}
		must(t, s.Do(t.Context(), "DELETE", "/oauth/sessions/"+s.sessions()[0].ID, nil, nil))
	}
}

func TestWhoLoggedInBeforeAResetGetsNoToken(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	must(t, s.control.SetPassword(t.Context(), s.actor, password))
	urls := s.beginLogin("")
	if resp, html := s.page("POST", urls.Browser, url.Values{"email": {operator}, "password": {password}}); resp.StatusCode != http.StatusOK {
		t.Fatalf("logged in: %d %s", resp.StatusCode, html)
	}
	must(t, s.control.SetPassword(t.Context(), s.actor, "quite another"))
	if resp, body := s.raw("GET", urls.CLI, urls.Token, nil, nil); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a token: %d %s", resp.StatusCode, body)
	}
}

func TestSessionsAreTheirAccountsAlone(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	token := s.browserLogin("laptop")
	mine := s.sessions()[0]
	other := s.as(s.second("bob@example.com", "global"))
	var theirs []client.Session
	must(t, other.Do(ctx, "GET", "/oauth/sessions", nil, &theirs))
	if len(theirs) != 0 {
		t.Errorf("another account sees %+v", theirs)
	}
	for _, id := range []string{mine.ID, mine.Authorization.ID, "x", "~"} {
		wantError(t, other.Do(ctx, "DELETE", "/oauth/sessions/"+id, nil, nil), 404, "not_found", "Couldn't find that session.")
	}
	var narrow client.Authorization
	must(t, s.Do(ctx, "POST", "/oauth/authorizations", map[string]any{"scope": []string{"read"}}, &narrow))
	wantError(t, s.as(narrow.AccessToken.Token).Do(ctx, "GET", "/oauth/sessions", nil, nil), 403, "forbidden", "scope")
	wantError(t, s.as(narrow.AccessToken.Token).Do(ctx, "DELETE", "/oauth/sessions/"+mine.ID, nil, nil), 403, "forbidden", "scope")
	_, err := s.as(token).Account(ctx)
	must(t, err)
}

func TestAnExpiredLoginIsNoSession(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.browserLogin("laptop")
	id := s.sessions()[0].ID
	must(t, s.store.Update(t.Context(), func(tx *store.Tx) error {
		a, err := tx.AuthorizationBySession(id)
		if err != nil {
			return err
		}
		a.ExpiresAt = tx.Now().Add(-time.Second)
		return tx.UpdateAuthorization(&a)
	}))
	if all := s.sessions(); len(all) != 0 {
		t.Errorf("sessions %+v", all)
	}
}

// A client that got its token before sessions were kept has one from its next token on.
func TestATokenOfAnOlderReleaseBecomesASession(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	var app client.OAuthClient
	must(t, s.Do(ctx, "POST", "/oauth/clients", map[string]string{"name": "Tool", "redirect_uri": "https://tool.example.com/back"}, &app))
	var auth client.Authorization
	must(t, s.Do(ctx, "POST", "/oauth/authorizations", map[string]any{"client": app.ID, "description": "Tool"}, &auth))
	exchange := func(kind, code, refresh string) (tok client.OAuthToken) {
		must(t, s.as("").Do(ctx, "POST", "/oauth/tokens", map[string]any{"client": map[string]string{"secret": app.Secret},
			"grant": map[string]string{"type": kind, "code": code}, "refresh_token": map[string]string{"token": refresh}}, &tok))
		return tok
	}
	tok := exchange("authorization_code", auth.Grant.Code, "")
	must(t, s.store.Update(ctx, func(tx *store.Tx) error {
		a, err := tx.AuthorizationBySession(tok.Session.ID)
		if err != nil {
			return err
		}
		a.Session = ""
		return tx.UpdateAuthorization(&a)
	}))
	if all := s.sessions(); len(all) != 0 {
		t.Fatalf("sessions %+v", all)
	}
	next := exchange("refresh_token", "", tok.RefreshToken.Token)
	all := s.sessions()
	if len(all) != 1 || all[0].ID != next.Session.ID || all[0].Description != "Tool" {
		t.Fatalf("sessions %+v, the token's is %s", all, next.Session.ID)
	}
	must(t, s.Do(ctx, "DELETE", "/oauth/sessions/"+all[0].ID, nil, nil))
	_, err := s.as(next.AccessToken.Token).Apps(ctx)
	wantError(t, err, 401, "unauthorized", "")
	wantError(t, s.as("").Do(ctx, "POST", "/oauth/tokens", map[string]any{"client": map[string]string{"secret": app.Secret},
		"grant": map[string]string{"type": "refresh_token"}, "refresh_token": map[string]string{"token": next.RefreshToken.Token}}, nil), 401, "unauthorized", "")
}
