package control

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/secret"
	"github.com/kigo-dev/kigo/store"
)

// Lives of what OAuth clients hold.
const (
	grantLife  = 5 * time.Minute
	accessLife = 8 * time.Hour
)

// NewGrant is what an account lets a client do.
type NewGrant struct {
	Client      string
	Description string
	Scope       []string
	Challenge   string // PKCE, S256
}

// Grant lets an OAuth client have a token for the actor: it returns a code that the client
// exchanges, once and soon.
func (c *Control) Grant(ctx context.Context, a Actor, n NewGrant) (g store.Grant, client kigo.OAuthClient, code string, err error) {
	if err := a.Allows("global"); err != nil {
		return g, client, "", err
	}
	if err := (NewAuthorization{Description: n.Description, Scope: n.Scope}).check(); err != nil {
		return g, client, "", err
	}
	code = secret.NewCapability()
	g = store.Grant{Account: a.ID, Client: n.Client, Scope: n.Scope, Description: n.Description, Challenge: n.Challenge}
	if len(g.Scope) == 0 {
		g.Scope = []string{"global"}
	}
	err = c.update(ctx, a, func(tx *change) error {
		if client, err = tx.FindOAuthClient(n.Client); err != nil {
			return err
		}
		g.ExpiresAt = tx.Now().Add(grantLife)
		return errors.Join(tx.PutGrant(&g, secret.HashToken(code)), tx.emit("grant.create", "", g.ID, map[string]string{"client": client.ID}))
	})
	return g, client, code, err
}

// FindOAuthClient returns the client of that id, whoever's it is, to ask an account
// whether it may.
func (c *Control) FindOAuthClient(ctx context.Context, id string) (client kigo.OAuthClient, err error) {
	err = c.Store.View(ctx, func(tx *store.Tx) error {
		client, err = tx.FindOAuthClient(id)
		return err
	})
	return client, err
}

// IssuedToken is what a client gets for a code or a refresh token.
type IssuedToken struct {
	kigo.Authorization
	Token, Refresh string
}

// ExchangeCode gives the client whose secret is presented a token for a code. A code that
// comes a second time ends what was made of it: one of the two was stolen.
func (c *Control) ExchangeCode(ctx context.Context, from, clientSecret, code, verifier string) (t IssuedToken, err error) {
	reused := false
	err = c.update(ctx, Actor{From: from}, func(tx *change) error {
		g, err := tx.Grant(secret.HashToken(code))
		if err != nil {
			return instead(err, errGrant)
		}
		if err := tx.clientSecret(g.Client, clientSecret); err != nil {
			return err
		}
		if g.Authorization != "" {
			reused = true
			return tx.endReused(g)
		}
		if !g.ExpiresAt.After(tx.Now()) || g.Challenge != "" && !challenged(g.Challenge, verifier) {
			return errGrant
		}
		account, err := tx.Account(g.Account)
		if err != nil {
			return err
		}
		tx.actor.Email = account.Email
		t.Authorization = kigo.Authorization{Account: g.Account, Client: g.Client, Scope: g.Scope, Description: g.Description}
		if err := tx.issue(&t, true); err != nil {
			return err
		}
		g.Authorization = t.ID
		return errors.Join(tx.PutGrant(&g, secret.HashToken(code)), tx.emit("authorization.create", "", t.ID, map[string]string{"client": g.Client}))
	})
	if err == nil && reused {
		err = errGrant
	}
	return t, err
}

// endReused ends what was made of a code that has come again.
func (c *change) endReused(g store.Grant) error {
	account, err := c.Account(g.Account)
	if err != nil {
		return err
	}
	err = c.DeleteAuthorization(g.Authorization)
	if errors.Is(err, kigo.ErrNotFound) {
		return nil // ended before
	}
	c.actor.Email = account.Email
	return errors.Join(err, c.emit("authorization.delete", "", g.Authorization, map[string]string{"client": g.Client, "why": "the code came again"}))
}

// RefreshToken gives the client another token for its refresh token, which is replaced.
func (c *Control) RefreshToken(ctx context.Context, from, clientSecret, refresh string) (t IssuedToken, err error) {
	err = c.update(ctx, Actor{From: from}, func(tx *change) error {
		if t.Authorization, err = tx.AuthorizationByRefreshToken(secret.HashToken(refresh)); err != nil {
			return instead(err, errGrant)
		}
		if err := tx.clientSecret(t.Client, clientSecret); err != nil {
			return err
		}
		account, err := tx.Account(t.Account)
		if err != nil {
			return err
		}
		tx.actor.Email = account.Email
		return errors.Join(tx.issue(&t, false), tx.emit("authorization.update", "", t.ID, nil))
	})
	return t, err
}

var errGrant = &kigo.Error{ID: kigo.IDUnauthorized, Message: "The code or refresh token is unknown, used, expired or another client's."}

func (c *change) clientSecret(id, presented string) error {
	client, err := c.FindOAuthClient(id)
	if err != nil {
		return instead(err, errGrant)
	}
	if subtle.ConstantTimeCompare([]byte(client.Secret), []byte(presented)) != 1 {
		return errGrant
	}
	return nil
}

func challenged(challenge, verifier string) bool {
	sum := sha256.Sum256([]byte(verifier))
	return subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge)) == 1
}

// issue gives an authorization a token and a refresh token, and the session that they are.
func (c *change) issue(t *IssuedToken, create bool) error {
	t.Token, t.Refresh = secret.NewToken(), secret.NewToken()
	t.TokenHint, t.ExpiresAt = secret.TokenHint(t.Token), c.Now().Add(accessLife)
	if t.Session == "" {
		t.Session = uuid.NewString()
	}
	var err error
	if create {
		err = c.CreateAuthorization(&t.Authorization, secret.HashToken(t.Token))
	} else if err = c.SetAuthorizationToken(&t.Authorization, secret.HashToken(t.Token)); err == nil {
		err = c.UpdateAuthorization(&t.Authorization)
	}
	if err != nil {
		return err
	}
	return c.SetRefreshToken(&t.Authorization, secret.HashToken(t.Refresh))
}

// RevokeToken ends the authorization of the actor's own that a token, by its id or in
// full, belongs to.
func (c *Control) RevokeToken(ctx context.Context, a Actor, which string) (auth kigo.Authorization, err error) {
	if err := a.Allows("global"); err != nil {
		return auth, err
	}
	err = c.update(ctx, a, func(tx *change) error {
		all, err := tx.Authorizations(a.ID)
		if err != nil {
			return err
		}
		hashed, _ := tx.AuthorizationByToken(secret.HashToken(which))
		i := slices.IndexFunc(all, func(x kigo.Authorization) bool { return x.TokenID == which || x.ID == hashed.ID })
		if i < 0 {
			return kigo.NotFound("OAuth token")
		}
		auth = all[i]
		return errors.Join(tx.DeleteAuthorization(auth.ID), tx.emit("authorization.delete", "", auth.ID, nil))
	})
	return auth, err
}

// CheckRedirect says whether an address is one that a client may be sent back to: its own,
// to the letter but for a slash at its end.
func CheckRedirect(client kigo.OAuthClient, to string) error {
	if to == "" || to == client.RedirectURI || strings.TrimSuffix(to, "/") == strings.TrimSuffix(client.RedirectURI, "/") {
		return nil
	}
	return kigo.Invalid("redirect_uri is not the address that %s is registered with.", client.Name)
}
