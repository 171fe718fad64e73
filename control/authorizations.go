package control

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/secret"
	"github.com/kigo-dev/kigo/store"
)

// errCredentials is the answer to anybody who cannot be told from anybody else.
var errCredentials = &kigo.Error{ID: kigo.IDUnauthorized, Message: "Invalid credentials provided."}

const (
	maxDescription = 1024
	maxToken       = 512
)

// NewAuthorization is what a new authorization holds.
type NewAuthorization struct {
	Description string
	Scope       []string      // empty: global
	ExpiresIn   time.Duration // 0: never
	Session     bool          // made by a login in a browser
}

// AuthorizationChange changes what is not nil.
type AuthorizationChange struct{ Description *string }

// Authenticate returns who a token belongs to and what it may do. An unknown, a
// revoked and an expired token are all the same to the caller.
func (c *Control) Authenticate(ctx context.Context, token string) (Actor, kigo.Authorization, error) {
	if token == "" || len(token) > maxToken {
		return Actor{}, kigo.Authorization{}, errCredentials
	}
	var actor Actor
	var auth kigo.Authorization
	err := c.Store.View(ctx, func(tx *store.Tx) (err error) {
		if auth, err = tx.AuthorizationByToken(secret.HashToken(token)); err != nil {
			return err
		}
		if !auth.ExpiresAt.IsZero() && !auth.ExpiresAt.After(tx.Now()) {
			return errCredentials
		}
		account, err := tx.Account(auth.Account)
		actor = Actor{ID: account.ID, Email: account.Email, Scope: auth.Scope, Authorization: auth.ID}
		return err
	})
	if errors.Is(err, kigo.ErrNotFound) {
		err = errCredentials
	}
	if err != nil {
		return Actor{}, kigo.Authorization{}, err
	}
	return actor, auth, nil
}

// Authorizations returns the actor's own that have not expired, the oldest first.
func (c *Control) Authorizations(ctx context.Context, a Actor) (live []kigo.Authorization, err error) {
	err = c.Store.View(ctx, func(tx *store.Tx) error {
		all, err := tx.Authorizations(a.ID)
		live = slices.DeleteFunc(all, func(x kigo.Authorization) bool {
			return x.RefreshID == "" && !x.ExpiresAt.IsZero() && !x.ExpiresAt.After(tx.Now())
		})
		return err
	})
	return live, err
}

// CreateAuthorization makes an authorization of the actor's own and its token,
// which is told this once.
func (c *Control) CreateAuthorization(ctx context.Context, a Actor, n NewAuthorization) (auth kigo.Authorization, token string, err error) {
	if err := a.Allows("global"); err != nil {
		return auth, "", err
	}
	if err := n.check(); err != nil {
		return auth, "", err
	}
	token = secret.NewToken()
	auth = kigo.Authorization{Account: a.ID, Description: n.Description, Scope: n.Scope, TokenHint: secret.TokenHint(token)}
	if len(auth.Scope) == 0 {
		auth.Scope = []string{"global"}
	}
	if n.Session {
		auth.Session = uuid.NewString()
	}
	err = c.update(ctx, a, func(tx *change) error {
		if n.ExpiresIn > 0 {
			auth.ExpiresAt = tx.Now().Add(n.ExpiresIn)
		}
		if err := tx.CreateAuthorization(&auth, secret.HashToken(token)); err != nil {
			return err
		}
		return tx.emit("authorization.create", "", auth.ID, nil)
	})
	return auth, token, err
}

func (n NewAuthorization) check() error {
	if n.ExpiresIn < 0 {
		return kigo.Invalid("expires_in must be a positive number of seconds")
	}
	for _, s := range n.Scope {
		if !slices.Contains(kigo.Scopes, s) {
			return kigo.Invalid("Unknown scope %q. Scopes are %s.", s, strings.Join(kigo.Scopes, ", "))
		}
	}
	return checkText("Description", n.Description, maxDescription)
}

// UpdateAuthorization changes one of the actor's own.
func (c *Control) UpdateAuthorization(ctx context.Context, a Actor, id string, ch AuthorizationChange) (kigo.Authorization, error) {
	return c.changeAuthorization(ctx, a, id, "authorization.update", func(tx *change, auth *kigo.Authorization) error {
		if ch.Description == nil {
			return nil
		}
		if err := checkText("Description", *ch.Description, maxDescription); err != nil {
			return err
		}
		auth.Description = *ch.Description
		return tx.UpdateAuthorization(auth)
	})
}

// RotateAuthorization gives one of the actor's own a new token; the old one is
// worth nothing from then on.
func (c *Control) RotateAuthorization(ctx context.Context, a Actor, id string) (kigo.Authorization, string, error) {
	token := secret.NewToken()
	auth, err := c.changeAuthorization(ctx, a, id, "authorization.update", func(tx *change, auth *kigo.Authorization) error {
		auth.TokenHint = secret.TokenHint(token)
		return tx.SetAuthorizationToken(auth, secret.HashToken(token))
	})
	return auth, token, err
}

// RevokeAuthorization removes one of the actor's own; its token is refused from
// then on.
func (c *Control) RevokeAuthorization(ctx context.Context, a Actor, id string) (kigo.Authorization, error) {
	return c.changeAuthorization(ctx, a, id, "authorization.delete", func(tx *change, auth *kigo.Authorization) error {
		return tx.DeleteAuthorization(auth.ID)
	})
}

// changeAuthorization runs f on an authorization of the actor's own. Somebody
// else's is not found.
func (c *Control) changeAuthorization(ctx context.Context, a Actor, id, event string, f func(*change, *kigo.Authorization) error) (auth kigo.Authorization, err error) {
	if err := a.Allows("global"); err != nil {
		return auth, err
	}
	err = c.update(ctx, a, func(tx *change) error {
		if auth, err = tx.Authorization(id); err != nil {
			return err
		}
		if auth.Account != a.ID {
			return kigo.NotFound("authorization")
		}
		if err := f(tx, &auth); err != nil {
			return err
		}
		return tx.emit(event, "", auth.ID, nil)
	})
	return auth, err
}
