package api_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo/client"
)

func TestAnAccountKnowsItself(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	a, err := s.Account(ctx)
	must(t, err)
	if a.Email != operator || a.ID != string(s.account.ID) || !a.Verified {
		t.Errorf("account %+v", a)
	}
	for _, user := range []string{"~", operator, a.ID} {
		var again client.Account
		must(t, s.Do(ctx, "GET", "/users/"+user, nil, &again))
		if again.ID != a.ID {
			t.Errorf("/users/%s: %+v", user, again)
		}
		must(t, s.Do(ctx, "GET", "/users/"+user+"/apps", nil, nil))
	}
	wantError(t, s.Do(ctx, "GET", "/users/other@example.com", nil, nil), 404, "not_found", "Couldn't find that user.")
	wantError(t, s.Do(ctx, "GET", "/users/other@example.com/apps", nil, nil), 404, "not_found", "user")
	renamed, err := s.RenameAccount(ctx, "Tina")
	must(t, err)
	if renamed.Name == nil || *renamed.Name != "Tina" {
		t.Errorf("renamed %+v", renamed)
	}
	must(t, s.Do(ctx, "PATCH", "/users/~", map[string]any{"name": "Tina", "operator": false, "two_factor_authentication": true, "verified": false, "id": "0"}, &a))
	if a.Email != operator || a.TwoFactorAuthentication || !a.Verified || a.ID == "0" {
		t.Errorf("a field that is no such field was assigned: %+v", a)
	}
	limit, err := s.RateLimit(ctx)
	must(t, err)
	if limit.Remaining < 4000 || limit.Remaining > 4500 {
		t.Errorf("%d requests remain", limit.Remaining)
	}
}

func TestAuthorizationsAreMadeShownOnceAndRevoked(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	made, err := s.CreateAuthorization(ctx, client.NewAuthorization{Description: "ci", Scope: []string{"read"}, ExpiresIn: ptr(3600)})
	must(t, err)
	token := made.AccessToken.Token
	if !strings.HasPrefix(token, "HRKU-") || *made.AccessToken.ExpiresIn < 3590 || made.Description != "ci" || !slices.Equal(made.Scope, []string{"read"}) {
		t.Errorf("made %+v", made)
	}
	all, err := s.Authorizations(ctx)
	must(t, err)
	if len(all) != 2 {
		t.Errorf("%d authorizations", len(all))
	}
	for _, a := range all {
		if a.AccessToken.Token == token || a.AccessToken.Token == s.token {
			t.Errorf("the list tells a token: %+v", a)
		}
	}
	self, err := s.as(token).Authorization(ctx, made.ID)
	must(t, err)
	key, err := s.Authorization(ctx, "~")
	must(t, err)
	if self.ID != made.ID || key.ID == made.ID || key.AccessToken.Token == s.token || !strings.HasSuffix(key.AccessToken.Token, s.token[len(s.token)-4:]) {
		t.Errorf("its own %+v, the account's key %+v", self, key)
	}
	_, err = s.as(token).Authorization(ctx, "~")
	wantError(t, err, 403, "forbidden", "scope")
	_, err = s.as(token).RevokeAuthorization(ctx, key.ID)
	wantError(t, err, 403, "forbidden", "scope")
	updated, err := s.UpdateAuthorization(ctx, made.ID, "new")
	must(t, err)
	rotated, err := s.RotateAuthorization(ctx, made.ID)
	must(t, err)
	if updated.Description != "new" || rotated.AccessToken.Token == token || !strings.HasPrefix(rotated.AccessToken.Token, "HRKU-") {
		t.Errorf("updated %+v, rotated %+v", updated, rotated)
	}
	_, err = s.as(token).Account(ctx)
	wantError(t, err, 401, "unauthorized", "Invalid credentials provided.")
	_, err = s.as(rotated.AccessToken.Token).Account(ctx)
	must(t, err)
	gone, err := s.as(rotated.AccessToken.Token).RevokeAuthorization(ctx, made.ID)
	must(t, err)
	if gone.ID != made.ID {
		t.Errorf("revoked %+v", gone)
	}
	_, err = s.as(rotated.AccessToken.Token).Account(ctx)
	wantError(t, err, 401, "unauthorized", "Invalid credentials provided.")
	_, err = s.Authorization(ctx, made.ID)
	wantError(t, err, 404, "not_found", "Couldn't find that authorization.")
}

func TestBadAuthorizationsAreRefused(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	for _, n := range []client.NewAuthorization{
		{Scope: []string{"everything"}}, {ExpiresIn: ptr(0)}, {ExpiresIn: ptr(-5)}, {ExpiresIn: ptr(1 << 40)},
	} {
		_, err := s.CreateAuthorization(ctx, n)
		wantError(t, err, 422, "invalid_params", "")
	}
	for value, want := range map[string]string{`"abc"`: `"abc" is not a number of seconds`, `1.5`: "1.5 is not", `true`: "true is not", `"0"`: "expires_in is 0"} {
		err := s.Do(ctx, "POST", "/oauth/authorizations", map[string]any{"expires_in": json.RawMessage(value)}, nil)
		wantError(t, err, 422, "invalid_params", want)
	}
}

func TestTheCommandLineSendsSecondsAsAString(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	var a client.Authorization
	must(t, s.Do(t.Context(), "POST", "/oauth/authorizations", map[string]any{"expires_in": "3600"}, &a))
	if a.AccessToken.ExpiresIn == nil || *a.AccessToken.ExpiresIn < 3590 || *a.AccessToken.ExpiresIn > 3600 {
		t.Errorf("expires in %v", a.AccessToken.ExpiresIn)
	}
}

func TestLoginByPassword(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	must(t, s.control.SetPassword(ctx, s.actor, "correct horse battery"))
	nobody := s.as("")
	a, err := nobody.Login(ctx, operator, "correct horse battery", client.NewAuthorization{Scope: []string{"global"}})
	must(t, err)
	if a.User.Email != operator {
		t.Errorf("logged in as %+v", a.User)
	}
	_, err = s.as(a.AccessToken.Token).Account(ctx)
	must(t, err)
	_, err = nobody.Login(ctx, operator, "wrong", client.NewAuthorization{})
	wantError(t, err, 401, "unauthorized", "")
	_, unknown := nobody.Login(ctx, "who@example.com", "wrong", client.NewAuthorization{})
	wantError(t, unknown, 401, "unauthorized", "")
	if err.Error() != unknown.Error() {
		t.Errorf("an unknown account is told apart: %q, %q", err, unknown)
	}
	throttled := false
	for range 30 {
		_, err = nobody.Login(ctx, "victim@example.com", "guess", client.NewAuthorization{})
		throttled = throttled || err.(*client.Error).Status == http.StatusTooManyRequests
	}
	if !throttled {
		t.Error("thirty wrong passwords in a row were all tried")
	}
}
