package control_test

import (
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/secret"
	"github.com/kigo-dev/kigo/store"
)

func testTokens(t *testing.T, x *site) {
	const wrong = "Invalid credentials provided."
	login := func(token string) error { return errOf3(x.Authenticate(x.ctx, token)) }
	auth, token, err := x.CreateAuthorization(x.ctx, x.actor, control.NewAuthorization{Description: "d", Scope: []string{"read"}, ExpiresIn: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	actor, found, err := x.Authenticate(x.ctx, token)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "actor", actor, control.Actor{ID: x.actor.ID, Email: x.actor.Email, Scope: []string{"read"}, Authorization: auth.ID})
	same(t, "authorization", found, auth)
	for _, bad := range []string{"", "x", token + "x", long(10000), "HRKU-"} {
		refused(t, "token "+bad[:min(9, len(bad))], login(bad), kigo.IDUnauthorized, wrong)
	}

	other := x.other()
	_, err = x.RevokeAuthorization(x.ctx, other, auth.ID)
	refused(t, "revoke another's", err, kigo.IDNotFound, "Couldn't find that authorization.")
	auth = must(x.UpdateAuthorization(x.ctx, x.actor, auth.ID, control.AuthorizationChange{Description: ptr("new")}))(t)
	same(t, "description", auth.Description, "new")
	_, rotated, err := x.RotateAuthorization(x.ctx, x.actor, auth.ID)
	if err != nil {
		t.Fatal(err)
	}
	refused(t, "the token before", login(token), kigo.IDUnauthorized, wrong)
	if err := login(rotated); err != nil {
		t.Error(err)
	}
	same(t, "how many", len(must(x.Authorizations(x.ctx, x.actor))(t)), 2)
	must(x.RevokeAuthorization(x.ctx, x.actor, auth.ID))(t)
	refused(t, "revoked", login(rotated), kigo.IDUnauthorized, wrong)

	old, expired, err := x.CreateAuthorization(x.ctx, x.actor, control.NewAuthorization{ExpiresIn: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	err = x.Store.Update(x.ctx, func(tx *store.Tx) error {
		old.ExpiresAt = tx.Now()
		return tx.UpdateAuthorization(&old)
	})
	if err != nil {
		t.Fatal(err)
	}
	refused(t, "expired", login(expired), kigo.IDUnauthorized, wrong)
	same(t, "live ones", len(must(x.Authorizations(x.ctx, x.actor))(t)), 1)
	for name, n := range map[string]control.NewAuthorization{
		"scope": {Scope: []string{"admin"}}, "expiry": {ExpiresIn: -1}, "description": {Description: long(2000)},
	} {
		_, _, err := x.CreateAuthorization(x.ctx, x.actor, n)
		refused(t, name, err, kigo.IDInvalidParams, "")
	}
}

func testScopes(t *testing.T, x *site) {
	verbs := []string{"identity", "read", "write", "read-protected", "write-protected", "global"}
	for scope, want := range map[string]string{
		"": "yyyyyy", "global": "yyyyyy", "identity": "y-----", "read": "yy----", "write": "yyy---",
		"read-protected": "yy-y--", "write-protected": "yyyyy-", "nonsense": "------",
	} {
		a := x.actor
		if scope != "" {
			a.Scope = []string{scope}
		}
		got := ""
		for _, verb := range verbs {
			err := a.Allows(verb)
			if err == nil {
				got += "y"
				continue
			}
			got += "-"
			refused(t, scope+" "+verb, err, kigo.IDForbidden, verb)
		}
		same(t, scope, got, want)
	}
	limited := x.actor
	limited.Scope = []string{"write-protected"}
	_, _, err := x.CreateAuthorization(x.ctx, limited, control.NewAuthorization{})
	refused(t, "a wider token from a narrow one", err, kigo.IDForbidden, "global")
}

func testPasswords(t *testing.T, x *site) {
	const wrong = "Invalid credentials provided."
	refused(t, "no password yet", errOf(x.AuthenticatePassword(x.ctx, control.Login{Email: "op@example.com", Password: ""})), kigo.IDUnauthorized, wrong)
	refused(t, "too short", x.SetPassword(x.ctx, x.actor, "short"), kigo.IDInvalidParams, "too short")
	if err := x.SetPassword(x.ctx, x.actor, "correct horse"); err != nil {
		t.Fatal(err)
	}
	refused(t, "wrong", errOf(x.AuthenticatePassword(x.ctx, control.Login{Email: "op@example.com", Password: "incorrect horse"})), kigo.IDUnauthorized, wrong)
	refused(t, "unknown", errOf(x.AuthenticatePassword(x.ctx, control.Login{Email: "nobody@example.com", Password: "correct horse"})), kigo.IDUnauthorized, wrong)
	same(t, "who", must(x.AuthenticatePassword(x.ctx, control.Login{Email: "OP@example.com", Password: "correct horse"}))(t).ID, x.actor.ID)
	a := must(x.UpdateAccount(x.ctx, x.actor, control.AccountChange{Name: ptr("Op")}))(t)
	same(t, "name", a.Name, "Op")
	if a.LastLogin.IsZero() {
		t.Error("no time of the last login")
	}
}

func testOperator(t *testing.T, x *site) {
	again := must(x.EnsureOperator(x.ctx, "op@example.com", x.token))(t)
	same(t, "again", again.ID, x.actor.ID)
	moved := must(x.EnsureOperator(x.ctx, "new@example.com", x.token))(t)
	same(t, "with a new address", []any{moved.ID, moved.Email}, []any{x.actor.ID, "new@example.com"})
	lost := must(x.EnsureOperator(x.ctx, "new@example.com", secret.NewToken()))(t)
	same(t, "with a new token", lost.ID, x.actor.ID)
	same(t, "accounts", len(read(x, (*store.Tx).Accounts)), 1)
	same(t, "tokens", len(must(x.Authorizations(x.ctx, x.actor))(t)), 2)
	for _, email := range []string{"", "x", "a b@c", "Op <op@example.com>"} {
		fails(t, email, errOf(x.EnsureOperator(x.ctx, email, x.token)), kigo.ErrInvalid)
	}
	if errOf(x.EnsureOperator(x.ctx, "op@example.com", "\n")) == nil {
		t.Error("an empty token was taken")
	}
}

func errOf3[A, B any](_ A, _ B, err error) error { return err }
