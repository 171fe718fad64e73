package storetest

import (
	"context"
	"testing"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/secret"
	"github.com/kigo-dev/kigo/store"
)

func testAccounts(t *testing.T, f *fixture) {
	same(t, "by id", get(t, f, func(tx *store.Tx) (kigo.Account, error) { return tx.Account(f.account.ID) }), f.account)
	same(t, "by address", get(t, f, func(tx *store.Tx) (kigo.Account, error) { return tx.AccountByEmail("ADA@example.com") }), f.account)

	a := f.account
	a.Name, a.LastLogin = "Ada L.", moment
	f.update(t, func(tx *store.Tx) error {
		if err := tx.SetPasswordHash(a.ID, "hash"); err != nil {
			return err
		}
		return tx.UpdateAccount(&a)
	})
	same(t, "changed", get(t, f, (*store.Tx).Accounts), []kigo.Account{a})
	same(t, "password", get(t, f, func(tx *store.Tx) (string, error) { return tx.PasswordHash(a.ID) }), "hash")

	err := f.Update(context.Background(), func(tx *store.Tx) error {
		return tx.CreateAccount(&kigo.Account{Email: "ada@example.com"})
	})
	fails(t, "the same address again", err, store.ErrTaken)
}

func testAuthorizations(t *testing.T, f *fixture) {
	hash, other := secret.HashToken("one"), secret.HashToken("two")
	a := kigo.Authorization{Account: f.account.ID, Description: "laptop", Scope: []string{"read", "write"}, TokenHint: "HRKU-…", ExpiresAt: moment}
	f.update(t, func(tx *store.Tx) error { return tx.CreateAuthorization(&a, hash) })
	byToken := func(hash []byte) func(*store.Tx) (kigo.Authorization, error) {
		return func(tx *store.Tx) (kigo.Authorization, error) { return tx.AuthorizationByToken(hash) }
	}
	same(t, "by token", get(t, f, byToken(hash)), a)

	a.Description = "old laptop"
	f.update(t, func(tx *store.Tx) error {
		if err := tx.UpdateAuthorization(&a); err != nil {
			return err
		}
		return tx.SetAuthorizationToken(&a, other)
	})
	same(t, "by new token", get(t, f, byToken(other)), a)
	same(t, "by id", get(t, f, func(tx *store.Tx) (kigo.Authorization, error) { return tx.Authorization(a.ID) }), a)
	fails(t, "by old token", f.View(context.Background(), func(tx *store.Tx) error {
		_, err := tx.AuthorizationByToken(hash)
		return err
	}), kigo.ErrNotFound)

	f.update(t, func(tx *store.Tx) error { return tx.DeleteAuthorization(a.ID) })
	same(t, "after deletion", get(t, f, func(tx *store.Tx) ([]kigo.Authorization, error) {
		return tx.Authorizations(f.account.ID)
	}), nil)
}
