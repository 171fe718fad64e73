package control_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/store"
)

// Checking a password takes a while, in which the account may be taken back from who asks.
func testResetWins(t *testing.T, x *site) {
	const old, good, evil = "the old one", "the good one", "the evil one"
	wrong := 0
	for range 30 {
		if err := x.SetPassword(x.ctx, x.actor, old); err != nil {
			t.Fatal(err)
		}
		_, token, err := x.ResetLogin(x.ctx, x.actor, x.actor.Email, false)
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		all.Go(func() { _ = x.ChangePassword(x.ctx, x.actor, old, evil) })
		all.Go(func() { _ = x.AskEmail(x.ctx, x.actor, "evil@example.com", old) })
		all.Go(func() {
			if a, err := x.AuthenticatePassword(x.ctx, control.Login{Email: x.actor.Email, Password: old}); err == nil {
				_, _, _ = x.CreateAuthorization(x.ctx, a, control.NewAuthorization{})
			}
		})
		reset := make(chan error, 1)
		all.Go(func() { _, err := x.FinishReset(x.ctx, "", token, good); reset <- err })
		all.Wait()
		if err := <-reset; errors.Is(err, kigo.ErrNotFound) {
			continue // the change came first, and ended it
		} else if err != nil {
			t.Fatal(err)
		}
		_, err = x.AuthenticatePassword(x.ctx, control.Login{Email: x.actor.Email, Password: good})
		if tokens := must(x.Authorizations(x.ctx, x.actor))(t); err != nil || len(tokens) != 0 {
			wrong++
		}
		must(x.EnsureOperator(x.ctx, "op@example.com", x.token))(t)
	}
	if wrong > 0 {
		t.Errorf("%d of 30 resets were undone by who knew the old password", wrong)
	}

	a := must(x.AuthenticatePassword(x.ctx, control.Login{Email: x.actor.Email, Password: must(x.known(old, good, evil))(t)}))(t)
	if err := x.SetPassword(x.ctx, x.actor, "another one"); err != nil {
		t.Fatal(err)
	}
	refused(t, "a token", errOf3(x.CreateAuthorization(x.ctx, a, control.NewAuthorization{})), kigo.IDUnauthorized, "Invalid credentials")
	_, _, _, err := x.Grant(x.ctx, a, control.NewGrant{})
	refused(t, "a grant", err, kigo.IDUnauthorized, "Invalid credentials")
}

// known returns the one of some passwords that is the operator's.
func (x *site) known(passwords ...string) (which string, err error) {
	for _, p := range passwords {
		if _, err = x.AuthenticatePassword(x.ctx, control.Login{Email: x.actor.Email, Password: p}); err == nil {
			return p, nil
		}
	}
	return "", err
}

func testLoginTime(t *testing.T, x *site) {
	if err := x.SetPassword(x.ctx, x.actor, "correct horse"); err != nil {
		t.Fatal(err)
	}
	const rounds = 20
	var all sync.WaitGroup
	all.Go(func() {
		for range rounds {
			must(x.AuthenticatePassword(x.ctx, control.Login{Email: x.actor.Email, Password: "correct horse"}))(t)
		}
	})
	name := ""
	for range rounds {
		name += "x"
		must(x.UpdateAccount(x.ctx, x.actor, control.AccountChange{Name: &name}))(t)
		got := read(x, func(tx *store.Tx) (kigo.Account, error) { return tx.Account(x.actor.ID) })
		same(t, "name", got.Name, name)
	}
	all.Wait()
	got := read(x, func(tx *store.Tx) (kigo.Account, error) { return tx.Account(x.actor.ID) })
	same(t, "name in the end", got.Name, name)
}
