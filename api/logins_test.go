package api_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/store"
)

const password = "correct horse battery"

// login asks for a token by password, as `heroku login -i` does.
func (s *server) login(email, password, code string) error {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.srv.URL+"/oauth/authorizations", strings.NewReader("{}"))
	must(s.t, err)
	r.SetBasicAuth(email, password)
	r.Header.Set("Accept", "application/vnd.heroku+json; version=3")
	if code != "" {
		r.Header.Set("Heroku-Two-Factor-Code", code)
	}
	resp, err := (&http.Client{Transport: checked{s.t}}).Do(r)
	must(s.t, err)
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusCreated {
		return nil
	}
	e := &client.Error{Status: resp.StatusCode}
	must(s.t, json.NewDecoder(resp.Body).Decode(e))
	return e
}

// lastEvent is the newest of a kind.
func (s *server) lastEvent(kind string) (last kigo.Event) {
	s.t.Helper()
	must(s.t, s.store.View(s.t.Context(), func(tx *store.Tx) error {
		all, err := tx.EventsAfter(0, 1000)
		for _, e := range all {
			if e.Kind == kind {
				last = e
			}
		}
		return err
	}))
	return last
}

func TestASecondFactorIsAskedFor(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	begin := map[string]string{"password": password}
	wantError(t, s.Do(ctx, "POST", "/kigo/two-factor", begin, nil), 422, "invalid_params", "no password")
	must(t, s.control.SetPassword(ctx, s.actor, password))
	wantError(t, s.Do(ctx, "POST", "/kigo/two-factor", map[string]string{"password": "wrong"}, nil), 422, "invalid_params", "not that of")
	wantError(t, s.Do(ctx, "POST", "/kigo/two-factor/actions/enable", map[string]string{"code": "123456"}, nil), 422, "invalid_params", "begin")
	var made, done client.TwoFactor
	must(t, s.Do(ctx, "POST", "/kigo/two-factor", begin, &made))
	if !strings.HasPrefix(made.URL, "otpauth://totp/Kigo:op@example.com?") || !strings.Contains(made.URL, made.Secret) {
		t.Errorf("made %+v", made)
	}
	must(t, s.login(operator, password, "")) // not before it is proved
	code := func(at time.Time) string {
		c, err := totp.GenerateCode(made.Secret, at)
		must(t, err)
		return c
	}
	now := time.Now()
	wantError(t, s.Do(ctx, "POST", "/kigo/two-factor/actions/enable", map[string]string{"code": code(now.Add(-time.Hour))}, nil), 422, "invalid_params", "not the code")
	must(t, s.Do(ctx, "POST", "/kigo/two-factor/actions/enable", map[string]string{"code": code(now)}, &done))
	if len(done.RecoveryCodes) != 10 {
		t.Fatalf("enabled %+v", done)
	}
	me, err := s.Account(ctx)
	must(t, err)
	if !me.TwoFactorAuthentication {
		t.Error("the account does not show it")
	}
	wantError(t, s.login(operator, password, ""), 403, "two_factor", "second")
	wantError(t, s.login(operator, "wrong", ""), 401, "unauthorized", "")
	wantError(t, s.login(operator, password, code(now)), 401, "unauthorized", "") // used by enabling it
	must(t, s.login(operator, password, code(now.Add(30*time.Second))))
	wantError(t, s.login(operator, password, code(now.Add(30*time.Second))), 401, "unauthorized", "")
	must(t, s.login(operator, password, done.RecoveryCodes[3]))
	if e := s.lastEvent("account.update"); !strings.HasPrefix(e.Origin, "127.0.0.1 ") || e.Actor != operator || !strings.Contains(string(e.Payload), "recovery_code") {
		t.Errorf("the audit says %+v", e)
	}
	wantError(t, s.login(operator, password, done.RecoveryCodes[3]), 401, "unauthorized", "")
	wantError(t, s.Do(ctx, "POST", "/kigo/two-factor/actions/disable", begin, nil), 403, "two_factor", "")
	must(t, s.Do(ctx, "POST", "/kigo/two-factor/actions/disable", map[string]string{"password": password, "code": done.RecoveryCodes[0]}, nil))
	must(t, s.login(operator, password, ""))
	wantError(t, s.login(operator, password[1:], done.RecoveryCodes[1]), 401, "unauthorized", "")
}

func TestPasswordsAndAddressesChange(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	bob := s.as(s.second("bob@example.com", "global"))
	var warned client.PasswordReset
	must(t, s.as("").Do(ctx, "POST", "/password-resets", map[string]string{"email": "bob@example.com"}, &warned))
	must(t, s.as("").Do(ctx, "POST", "/password-resets", map[string]string{"email": "nobody@example.com"}, &warned)) // all the same
	wantError(t, s.as("").Do(ctx, "POST", "/password-resets", map[string]string{}, nil), 422, "invalid_params", "email")
	wantError(t, bob.Do(ctx, "POST", "/kigo/accounts/bob@example.com/actions/reset", nil, nil), 403, "forbidden", "operator")
	var reset client.LoginReset
	must(t, s.Do(ctx, "POST", "/kigo/accounts/bob@example.com/actions/reset", nil, &reset))
	finish := func(token, password, again string) error {
		return s.as("").Do(ctx, "POST", "/password-resets/"+token+"/actions/finalize", map[string]string{"password": password, "password_confirmation": again}, nil)
	}
	wantError(t, finish(reset.Token, password, "other"), 422, "invalid_params", "the same")
	wantError(t, finish(reset.Token, "short", "short"), 422, "invalid_params", "short")
	wantError(t, finish("wrong", password, password), 404, "not_found", "password reset")
	must(t, finish(reset.Token, password, password))
	wantError(t, finish(reset.Token, password, password), 404, "not_found", "password reset")
	must(t, s.login("bob@example.com", password, ""))

	// What had a token before has none now; bob logs in anew.
	wantError(t, bob.Do(ctx, "GET", "/account", nil, nil), 401, "unauthorized", "")
	bob = s.as(s.tokenOf("bob@example.com"))
	change := func(body map[string]string) error { return bob.Do(ctx, "PATCH", "/account", body, nil) }
	wantError(t, change(map[string]string{"password": "wrong", "new_password": "something else"}), 422, "invalid_params", "not that of")
	must(t, change(map[string]string{"password": password, "new_password": "something else"}))
	wantError(t, s.login("bob@example.com", password, ""), 401, "unauthorized", "")
	must(t, s.login("bob@example.com", "something else", ""))

	wantError(t, change(map[string]string{"email": "rob@example.com"}), 422, "invalid_params", "not that of")
	wantError(t, change(map[string]string{"email": operator, "password": "something else"}), 422, "invalid_params", "already")
	wantError(t, s.Do(ctx, "POST", "/kigo/accounts/bob@example.com/actions/confirm-email", nil, nil), 422, "invalid_params", "no other address")
	must(t, change(map[string]string{"email": "rob@example.com", "password": "something else"}))
	me, err := bob.Account(ctx)
	must(t, err)
	if me.Email != "bob@example.com" {
		t.Errorf("before it is confirmed: %s", me.Email)
	}
	must(t, s.Do(ctx, "POST", "/kigo/accounts/bob@example.com/actions/confirm-email", nil, &me))
	if me.Email != "rob@example.com" {
		t.Errorf("after it is confirmed: %s", me.Email)
	}
	var p client.UserPreferences
	must(t, bob.Do(ctx, "PATCH", "/users/~/preferences", map[string]any{"timezone": "UTC", "operator": true}, &p))
	must(t, bob.Do(ctx, "PATCH", "/users/~/preferences", map[string]any{"dismissed-sms-banner": true}, &p))
	must(t, bob.Do(ctx, "GET", "/users/~/preferences", nil, &p))
	if *p.Timezone != "UTC" || !*p.DismissedSMSBanner || p.DefaultOrganization != nil {
		t.Errorf("preferences %+v", p)
	}
	wantError(t, bob.Do(ctx, "PATCH", "/users/~/preferences", map[string]any{"timezone": 5}, nil), 422, "invalid_params", "timezone")
}

func TestTriesOfPasswordsAreLimited(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	must(t, s.control.SetPassword(t.Context(), s.actor, password))
	limited := 0
	for range 26 {
		err := s.login(operator, "wrong", "")
		if e, _ := err.(*client.Error); e != nil && e.Status == http.StatusTooManyRequests {
			limited++
		}
	}
	if limited < 4 {
		t.Errorf("%d of 26 tries were refused unseen", limited)
	}
	wantError(t, s.login(operator, password, ""), 429, "rate_limit", "wait")
}

func TestOAuthClientsGetTokens(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	owner := s.as(s.second("dev@example.com", "global"))
	var app client.OAuthClient
	must(t, owner.Do(ctx, "POST", "/oauth/clients", map[string]string{"name": "Tool", "redirect_uri": "https://tool.example.com/back"}, &app))
	var auth client.Authorization
	must(t, s.Do(ctx, "POST", "/oauth/authorizations", map[string]any{"client": app.ID, "scope": []string{"read"}}, &auth))
	if auth.Grant == nil || auth.AccessToken != nil || auth.Client.Name != "Tool" {
		t.Fatalf("grant %+v", auth)
	}
	tokens := func(secret, kind, code, refresh string) (tok client.OAuthToken, err error) {
		err = s.as("").Do(ctx, "POST", "/oauth/tokens", map[string]any{"client": map[string]string{"secret": secret},
			"grant": map[string]string{"type": kind, "code": code}, "refresh_token": map[string]string{"token": refresh}}, &tok)
		return tok, err
	}
	_, err := tokens("wrong", "authorization_code", auth.Grant.Code, "")
	wantError(t, err, 401, "unauthorized", "another client")
	_, err = tokens(app.Secret, "password", auth.Grant.Code, "")
	wantError(t, err, 422, "invalid_params", "password")
	tok, err := tokens(app.Secret, "authorization_code", auth.Grant.Code, "")
	must(t, err)
	if tok.AccessToken.ExpiresIn == nil || *tok.AccessToken.ExpiresIn > 8*3600 || *tok.AccessToken.ExpiresIn < 7*3600 {
		t.Errorf("token %+v", tok.AccessToken)
	}
	tool := s.as(tok.AccessToken.Token)
	_, err = tool.Apps(ctx)
	must(t, err)
	_, err = tool.CreateApp(ctx, client.NewApp{})
	wantError(t, err, 403, "forbidden", "scope")
	next, err := tokens(app.Secret, "refresh_token", "", tok.RefreshToken.Token)
	must(t, err)
	if tok.Session.ID == "" || next.Session.ID != tok.Session.ID {
		t.Errorf("the session %q became %q", tok.Session.ID, next.Session.ID)
	}
	_, err = tool.Apps(ctx)
	wantError(t, err, 401, "unauthorized", "")
	_, err = tokens(app.Secret, "refresh_token", "", tok.RefreshToken.Token)
	wantError(t, err, 401, "unauthorized", "")
	all, err := s.Authorizations(ctx)
	must(t, err)
	found := false
	for _, a := range all {
		found = found || a.ID == next.Authorization.ID && a.Client != nil && a.RefreshToken != nil
	}
	if !found {
		t.Errorf("authorizations %+v", all)
	}
	// A code that comes twice was stolen: what was made of it ends.
	_, err = tokens(app.Secret, "authorization_code", auth.Grant.Code, "")
	wantError(t, err, 401, "unauthorized", "")
	_, err = s.as(next.AccessToken.Token).Apps(ctx)
	wantError(t, err, 401, "unauthorized", "")
	if e := s.lastEvent("authorization.delete"); e.Key != next.Authorization.ID || e.Actor != operator || !strings.HasPrefix(e.Origin, "127.0.0.1 ") {
		t.Errorf("the audit says %+v", e)
	}

	mine, err := s.CreateAuthorization(ctx, client.NewAuthorization{})
	must(t, err)
	wantError(t, owner.Do(ctx, "DELETE", "/oauth/tokens/"+mine.AccessToken.ID, nil, nil), 404, "not_found", "OAuth token")
	must(t, s.Do(ctx, "DELETE", "/oauth/tokens/"+mine.AccessToken.ID, nil, nil))
	_, err = s.as(mine.AccessToken.Token).Account(ctx)
	wantError(t, err, 401, "unauthorized", "")
}

// page loads a page or sends its form, without following where it leads.
func (s *server) page(method, address string, form url.Values, header ...string) (*http.Response, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.srv.URL+address, strings.NewReader(form.Encode()))
	must(s.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	stay := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := stay.Do(r)
	must(s.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	must(s.t, err)
	return resp, string(body)
}

func TestTheCommandLineLogsInByBrowser(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	must(t, s.control.SetPassword(t.Context(), s.actor, password))
	urls := s.beginLogin("Heroku CLI login from <b>host</b>")
	resp, html := s.page("GET", urls.Browser, nil)
	h := resp.Header
	if resp.StatusCode != http.StatusOK || strings.Contains(html, "<b>host") || !strings.Contains(html, "host") || h.Get("X-Frame-Options") != "DENY" ||
		!strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") || h.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("page: %d %v %s", resp.StatusCode, h, html)
	}
	form := url.Values{"email": {operator}, "password": {"wrong"}}
	if resp, html := s.page("POST", urls.Browser, form); resp.StatusCode != http.StatusUnauthorized || !strings.Contains(html, "Invalid credentials") {
		t.Errorf("a wrong password: %d %s", resp.StatusCode, html)
	}
	form.Set("password", password)
	for _, site := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example.com"}} {
		if resp, _ := s.page("POST", urls.Browser, form, site...); resp.StatusCode != http.StatusForbidden {
			t.Errorf("sent by another site (%v): %d", site, resp.StatusCode)
		}
	}
	if resp, _ := s.raw("GET", urls.CLI, "wrong", nil, nil); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("another waiter: %d", resp.StatusCode)
	}
	if resp, html := s.page("POST", urls.Browser, form, "Sec-Fetch-Site", "same-origin"); resp.StatusCode != http.StatusOK || !strings.Contains(html, "Logged in") {
		t.Errorf("logged in: %d %s", resp.StatusCode, html)
	}
	_, body := s.raw("GET", urls.CLI, urls.Token, nil, nil)
	var got struct {
		AccessToken string `json:"access_token"`
	}
	must(t, json.Unmarshal(body, &got))
	me, err := s.as(got.AccessToken).Account(t.Context())
	must(t, err)
	if me.Email != operator {
		t.Errorf("logged in as %s", me.Email)
	}
	if resp, _ := s.raw("GET", urls.CLI, urls.Token, nil, nil); resp.StatusCode != http.StatusNotFound {
		t.Errorf("a second time: %d", resp.StatusCode)
	}
	if resp, html := s.page("POST", urls.Browser, form); resp.StatusCode != http.StatusNotFound || !strings.Contains(html, "has ended") {
		t.Errorf("the page afterwards: %d %s", resp.StatusCode, html)
	}
}

func TestOAuthPagesSendBackToTheClientAlone(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	must(t, s.control.SetPassword(ctx, s.actor, password))
	app, err := s.control.CreateOAuthClient(ctx, s.actor, control.OAuthClientChange{Name: ptr("<i>Tool"), RedirectURI: ptr("https://tool.example.com/back?x=1")})
	must(t, err)
	q := url.Values{"client_id": {app.ID}, "response_type": {"code"}, "scope": {"read identity"}, "state": {"a&b"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"}}
	if resp, html := s.page("GET", "/oauth/authorize?"+q.Encode(), nil); resp.StatusCode != http.StatusOK || strings.Contains(html, "<i>Tool") || !strings.Contains(html, "read, identity") {
		t.Errorf("page: %d %s", resp.StatusCode, html)
	}
	for name, bad := range map[string]string{"redirect_uri": "https://evil.example.com/", "response_type": "token", "client_id": "x", "code_challenge_method": "plain"} {
		wrong := url.Values{}
		for k, v := range q {
			wrong[k] = v
		}
		wrong.Set(name, bad)
		if resp, _ := s.page("GET", "/oauth/authorize?"+wrong.Encode(), nil); resp.StatusCode/100 != 4 || resp.Header.Get("Location") != "" {
			t.Errorf("%s %s: %d %v", name, bad, resp.StatusCode, resp.Header)
		}
	}
	q.Set("email", operator)
	q.Set("password", password)
	if resp, _ := s.page("POST", "/oauth/authorize", q, "Sec-Fetch-Site", "cross-site"); resp.StatusCode != http.StatusForbidden {
		t.Errorf("sent by another site: %d", resp.StatusCode)
	}
	resp, _ := s.page("POST", "/oauth/authorize", q)
	to, err := url.Parse(resp.Header.Get("Location"))
	must(t, err)
	if resp.StatusCode != http.StatusSeeOther || to.Host != "tool.example.com" || to.Query().Get("state") != "a&b" || to.Query().Get("x") != "1" {
		t.Fatalf("sent back: %d %s", resp.StatusCode, to)
	}
	token := func(verifier string) (*http.Response, string) {
		return s.page("POST", "/oauth/token", url.Values{"grant_type": {"authorization_code"}, "code": {to.Query().Get("code")}, "client_secret": {app.Secret}, "code_verifier": {verifier}})
	}
	if resp, _ := token("wrong"); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a wrong verifier: %d", resp.StatusCode)
	}
	resp, body := token("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") // RFC 7636, appendix B
	if resp.StatusCode != http.StatusOK || !regexp.MustCompile(`"access_token": "HRKU-`).MatchString(body) || !strings.Contains(body, `"scope": "read identity"`) {
		t.Errorf("token: %d %s", resp.StatusCode, fmt.Sprintf("%.80s", body))
	}
}
