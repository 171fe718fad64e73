package api

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/store"
)

// serializeAuthorization tells the token only when it has just been made;
// otherwise what is shown is a hint.
func (c *call) serializeAuthorization(a kigo.Authorization, user kigo.Account, token string) client.Authorization {
	access := client.AccessToken{ExpiresIn: c.expiresIn(a), ID: a.TokenID, Token: a.TokenHint}
	if token != "" {
		access.Token = token
	}
	var refresh *client.AccessToken
	if a.RefreshID != "" {
		refresh = &client.AccessToken{ID: a.RefreshID, Token: "**********"}
	}
	return client.Authorization{
		AccessToken:  &access,
		Client:       c.clientRef(a.Client),
		RefreshToken: refresh,
		CreatedAt:    second(a.CreatedAt),
		Description:  a.Description,
		ID:           a.ID,
		Scope:        a.Scope,
		Session:      idRef(a.Session),
		UpdatedAt:    second(a.UpdatedAt),
		User:         client.AuthorizationUser{Email: user.Email, FullName: optional(user.Name), ID: string(user.ID)},
	}
}

// expiresIn is how many seconds a token is still valid for: nil, for ever.
func (c *call) expiresIn(a kigo.Authorization) *int {
	if a.ExpiresAt.IsZero() {
		return nil
	}
	left := max(0, int(a.ExpiresAt.Sub(c.s.Now()).Round(time.Second).Seconds()))
	return &left
}

func (c *call) authorizationReply(wrap func(any) reply, a kigo.Authorization, token string, err error) (reply, error) {
	if err != nil {
		return reply{}, err
	}
	user, err := c.account()
	return wrap(c.serializeAuthorization(a, user, token)), err
}

func authorizationList(c *call) (reply, error) {
	user, err := c.account()
	if err != nil {
		return reply{}, err
	}
	all, err := ctrl(c).Authorizations(c.ctx(), c.actor)
	if err != nil {
		return reply{}, err
	}
	show := func(a kigo.Authorization) client.Authorization { return c.serializeAuthorization(a, user, "") }
	return page(c, all, each(show),
		textKey("id", func(a kigo.Authorization) string { return a.ID }),
		timeKey("updated_at", func(a kigo.Authorization) time.Time { return a.UpdatedAt }))
}

// authorizationCreate takes the steps of serve itself: besides a token it accepts
// an e-mail address and a password, which is how `heroku login -i` gets a token.
func authorizationCreate(c *call) (reply, error) {
	for _, step := range []func() error{c.checkAccept, c.authenticateAnyhow, c.spend, func() error { return global.check(c.auth.Scope) }} {
		if err := step(); err != nil {
			return reply{}, err
		}
	}
	var in struct {
		Description *string  `json:"description"`
		ExpiresIn   *seconds `json:"expires_in"`
		Scope       []string `json:"scope"`
		Client      *ident   `json:"client"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if in.Client.String() != "" {
		return c.grant(control.NewGrant{Client: in.Client.String(), Description: value(in.Description), Scope: in.Scope})
	}
	n := control.NewAuthorization{Scope: in.Scope}
	if in.Description != nil {
		n.Description = *in.Description
	}
	if in.ExpiresIn != nil {
		if *in.ExpiresIn < 1 || *in.ExpiresIn > maxExpiry {
			return reply{}, kigo.Invalid("expires_in is %d: it must be between 1 and %d seconds, or null for a token that stays valid.", *in.ExpiresIn, maxExpiry)
		}
		n.ExpiresIn = time.Duration(*in.ExpiresIn) * time.Second
	}
	a, token, err := ctrl(c).CreateAuthorization(c.ctx(), c.actor, n)
	return c.authorizationReply(created, a, token, err)
}

// seconds are a number, or a string of digits as the official command line sends it.
type seconds int64

const maxExpiry seconds = 10 * 365 * 24 * 60 * 60

// UnmarshalJSON implements json.Unmarshaler.
func (s *seconds) UnmarshalJSON(data []byte) error {
	n, err := strconv.ParseInt(strings.Trim(string(data), `"`), 10, 64)
	if err != nil {
		return fmt.Errorf("%w", kigo.Invalid("Invalid value for expires_in: %.40s is not a number of seconds.", data))
	}
	*s = seconds(n)
	return nil
}

// authenticateAnyhow finds who asks by token or, with Basic, by e-mail address
// and password. Failures are counted by address and by network.
func (c *call) authenticateAnyhow() error {
	email, password, basic := c.r.BasicAuth()
	if !basic || !strings.Contains(email, "@") || strings.HasPrefix(password, "HRKU-") {
		return c.authenticate()
	}
	return c.login(email, password, c.r.Header.Get("Heroku-Two-Factor-Code"))
}

// login finds who an address, a password and, if it is asked for, a second factor belong
// to. What fails is counted by address and by network; that a second factor is missing
// counts as well, since it tells that the password is right.
func (c *call) login(email, password, factor string) error {
	keys := []string{"net " + network(c.r), "email " + strings.ToLower(email)} // a network that has had enough costs nobody else a try
	for _, k := range keys {
		if _, allowed := c.s.logins.take(k, 1); !allowed {
			c.w.Header().Set("Retry-After", "60")
			return newError(kigo.IDRateLimit, "Too many failed logins: please wait a minute and try again.")
		}
	}
	var err error
	c.actor, err = ctrl(c).AuthenticatePassword(c.ctx(), control.Login{Email: email, Password: password, Factor: factor, From: c.origin()})
	if err != nil {
		return err
	}
	for _, k := range keys {
		c.s.logins.take(k, -1) // only failures count
	}
	c.auth.Scope = []string{"global"}
	return nil
}

// network is the client's /24 or /48, which one attacker may well have whole.
func network(r *http.Request) string {
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	ip := net.ParseIP(host)
	if v4 := ip.To4(); v4 != nil {
		return v4.Mask(net.CIDRMask(24, 32)).String()
	}
	return ip.Mask(net.CIDRMask(48, 128)).String()
}

// authorization finds {authorization} of the path among the account's own, by id.
// "~" is the account's API key, not the one in use: `heroku logout` asks for it so
// as to revoke anything but that.
func (c *call) authorization() (a kigo.Authorization, err error) {
	which := c.param("authorization")
	if which == "~" {
		return c.apiKey()
	}
	err = c.view(func(tx *store.Tx) error {
		a, err = tx.Authorization(which)
		return err
	})
	if err == nil && a.Account != c.actor.ID {
		err = kigo.NotFound("authorization")
	}
	return a, err
}

// apiKey is the oldest of the account's authorizations that allow everything for
// ever, such as the one that the operator was given.
func (c *call) apiKey() (kigo.Authorization, error) {
	all, err := ctrl(c).Authorizations(c.ctx(), c.actor)
	for _, a := range all {
		if a.ExpiresAt.IsZero() && slices.Contains(a.Scope, "global") {
			return a, nil
		}
	}
	return kigo.Authorization{}, errors.Join(err, kigo.NotFound("authorization"))
}

func authorizationInfo(c *call) (reply, error) {
	a, err := c.ownAuthorization()
	return c.authorizationReply(ok, a, "", err)
}

// ownAuthorization is authorization for routes that need no more than identity:
// any token may see and end itself, only a global one others.
func (c *call) ownAuthorization() (kigo.Authorization, error) {
	a, err := c.authorization()
	if err == nil && a.ID != c.auth.ID {
		err = global.check(c.auth.Scope)
	}
	return a, err
}

func authorizationUpdate(c *call) (reply, error) {
	var in struct {
		Description *string `json:"description"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	a, err := c.authorization()
	if err != nil {
		return reply{}, err
	}
	a, err = ctrl(c).UpdateAuthorization(c.ctx(), c.actor, a.ID, control.AuthorizationChange{Description: in.Description})
	return c.authorizationReply(ok, a, "", err)
}

func authorizationDelete(c *call) (reply, error) {
	a, err := c.ownAuthorization()
	if err != nil {
		return reply{}, err
	}
	actor := c.actor
	if a.ID == c.auth.ID {
		actor.Scope = nil // what little a token may do, it may end itself
	}
	_, err = ctrl(c).RevokeAuthorization(c.ctx(), actor, a.ID)
	return c.authorizationReply(ok, a, "", err)
}

func authorizationRotate(c *call) (reply, error) {
	a, err := c.authorization()
	if err != nil {
		return reply{}, err
	}
	a, token, err := ctrl(c).RotateAuthorization(c.ctx(), c.actor, a.ID)
	return c.authorizationReply(ok, a, token, err)
}
