package api

import (
	"cmp"
	"encoding/json"
	"net/http"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/control"
)

// What a client or a person proves here without a token of the API is counted, as logins
// are, by network.

// guess spends one of the tries that a network has; ok gives it back.
func (c *call) guess() (ok func(), err error) {
	key := "net " + network(c.r)
	if _, allowed := c.s.logins.take(key, 1); !allowed {
		c.w.Header().Set("Retry-After", "60")
		return nil, newError(kigo.IDRateLimit, "Too many failed logins: please wait a minute and try again.")
	}
	return func() { c.s.logins.take(key, -1) }, nil
}

// sensitive spends one of the tries that an account has to prove itself again with its
// password, so that who has stolen a token cannot try them all.
func (c *call) sensitive() error {
	if _, allowed := c.s.logins.take("again "+string(c.actor.ID), 1); !allowed {
		c.w.Header().Set("Retry-After", "60")
		return newError(kigo.IDRateLimit, "Too many changes that need your password: please wait a minute and try again.")
	}
	return nil
}

func (c *call) clientRef(id string) *client.OAuthClientRef {
	if id == "" {
		return nil
	}
	o, err := ctrl(c).FindOAuthClient(c.ctx(), id)
	if err != nil {
		return nil
	}
	return &client.OAuthClientRef{ID: o.ID, Name: o.Name, RedirectURI: o.RedirectURI}
}

// grant answers with a code that the client exchanges for a token.
func (c *call) grant(n control.NewGrant) (reply, error) {
	user, err := c.account()
	if err != nil {
		return reply{}, err
	}
	g, o, code, err := ctrl(c).Grant(c.ctx(), c.actor, n)
	now := second(c.s.Now())
	return created(client.Authorization{
		Client: &client.OAuthClientRef{ID: o.ID, Name: o.Name, RedirectURI: o.RedirectURI}, CreatedAt: now, Description: g.Description,
		Grant: &client.Grant{Code: code, ExpiresIn: int(g.ExpiresAt.Sub(c.s.Now()).Seconds()), ID: g.ID}, ID: g.ID, Scope: g.Scope, UpdatedAt: now,
		User: client.AuthorizationUser{Email: user.Email, FullName: optional(user.Name), ID: string(user.ID)},
	}), err
}

func (c *call) serializeToken(t control.IssuedToken, grantType string) client.OAuthToken {
	return client.OAuthToken{
		AccessToken: client.AccessToken{ExpiresIn: c.expiresIn(t.Authorization), ID: t.TokenID, Token: t.Token}, Authorization: client.IDRef{ID: t.ID},
		CreatedAt: second(t.CreatedAt), Grant: client.GrantCode{Type: grantType}, ID: t.TokenID,
		RefreshToken: client.AccessToken{ID: t.RefreshID, Token: t.Refresh}, Session: client.IDRef{ID: cmp.Or(t.Session, fixedID("session", t.ID))},
		UpdatedAt: second(t.UpdatedAt), User: client.IDRef{ID: string(t.Account)},
	}
}

// exchange gives a client a token for what its grant says.
func (c *call) exchange(secret, grantType, code, refresh, verifier string) (t control.IssuedToken, err error) {
	ok, err := c.guess()
	if err != nil {
		return t, err
	}
	switch grantType {
	case "authorization_code":
		t, err = ctrl(c).ExchangeCode(c.ctx(), c.origin(), secret, code, verifier)
	case "refresh_token":
		t, err = ctrl(c).RefreshToken(c.ctx(), c.origin(), secret, refresh)
	default:
		err = kigo.Invalid("grant.type %.40q is not authorization_code or refresh_token.", grantType)
	}
	if err == nil {
		ok()
	}
	return t, err
}

func tokenCreate(c *call) (reply, error) {
	if err := c.checkAccept(); err != nil {
		return reply{}, err
	}
	type field struct{ Secret, Code, Type, Token string }
	var in struct {
		Client       field `json:"client"`
		Grant        field `json:"grant"`
		RefreshToken field `json:"refresh_token"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	t, err := c.exchange(in.Client.Secret, in.Grant.Type, in.Grant.Code, in.RefreshToken.Token, "")
	rep := created(c.serializeToken(t, in.Grant.Type))
	rep.header = http.Header{"Cache-Control": {"no-store"}}
	return rep, err
}

func tokenDelete(c *call) (reply, error) {
	a, err := ctrl(c).RevokeToken(c.ctx(), c.actor, c.param("token"))
	shown := c.serializeToken(control.IssuedToken{Authorization: a, Token: a.TokenHint}, "")
	if shown.RefreshToken.ID == "" {
		shown.RefreshToken.ID = fixedID("refresh-token", a.ID)
	}
	return ok(shown), err
}

func preferencesInfo(c *call) (reply, error) {
	if err := c.user(); err != nil {
		return reply{}, err
	}
	data, err := ctrl(c).Preferences(c.ctx(), c.actor)
	var p client.UserPreferences
	if err == nil {
		err = json.Unmarshal(data, &p)
	}
	return ok(p), err
}

// preferencesUpdate changes those that the body has.
func preferencesUpdate(c *call) (reply, error) {
	rep, err := preferencesInfo(c)
	if err != nil {
		return reply{}, err
	}
	p := rep.body.(client.UserPreferences)
	if err := c.decode(&p); err != nil {
		return reply{}, err
	}
	data, err := json.Marshal(p)
	if err == nil && len(data) > maxPreferences {
		err = kigo.Invalid("Preferences are too long: the maximum is %d bytes.", maxPreferences)
	}
	if err != nil {
		return reply{}, err
	}
	return ok(p), ctrl(c).SetPreferences(c.ctx(), c.actor, data)
}

const maxPreferences = 16 << 10

// passwordResetCreate answers the same whoever is asked for. Without a mail server an
// operator makes the token.
func passwordResetCreate(c *call) (reply, error) {
	if err := c.checkAccept(); err != nil {
		return reply{}, err
	}
	var in struct {
		Email *string `json:"email"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	email := value(in.Email)
	if email == "" {
		return reply{}, kigo.Invalid("email is required: the address of your account.")
	}
	if err := control.CheckEmail(email); err != nil {
		return reply{}, err
	}
	if !ctrl(c).Mail {
		c.w.Header().Set("X-Heroku-Warning", "This server sends no e-mail: ask an operator for the token that `kigo accounts:reset "+email+"` prints.")
	} else if _, err := c.guess(); err != nil {
		return reply{}, err
	} else if err := ctrl(c).AskReset(c.ctx(), c.origin(), email); err != nil {
		return reply{}, err
	}
	return created(client.PasswordReset{CreatedAt: second(c.s.Now()), User: client.UserRef{Email: email, ID: fixedID("password-reset", email)}}), nil
}

func passwordResetFinish(c *call) (reply, error) {
	if err := c.checkAccept(); err != nil {
		return reply{}, err
	}
	ok, err := c.guess()
	if err != nil {
		return reply{}, err
	}
	var in struct {
		Password     *string `json:"password"`
		Confirmation *string `json:"password_confirmation"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if in.Password == nil || value(in.Confirmation) != *in.Password {
		return reply{}, kigo.Invalid("password and password_confirmation are required, and must be the same.")
	}
	a, err := ctrl(c).FinishReset(c.ctx(), c.origin(), c.param("reset"), *in.Password)
	if err != nil {
		return reply{}, err
	}
	ok()
	return reply{status: http.StatusOK, body: client.PasswordReset{CreatedAt: second(c.s.Now()), User: userRef(a.ID, a.Email)}}, nil
}

// What follows is ours: Heroku has these on its dashboard.

func loginReset(c *call) (reply, error) {
	var in struct {
		TwoFactor *bool `json:"two_factor"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	a, token, err := ctrl(c).ResetLogin(c.ctx(), c.actor, c.param("account"), value(in.TwoFactor))
	return created(client.LoginReset{Token: token, User: userRef(a.ID, a.Email)}), err
}

// emailFinish confirms an address by the token that was mailed to it.
func emailFinish(c *call) (reply, error) {
	if err := c.checkAccept(); err != nil {
		return reply{}, err
	}
	right, err := c.guess()
	if err != nil {
		return reply{}, err
	}
	a, err := ctrl(c).FinishEmail(c.ctx(), c.origin(), c.param("token"))
	if err == nil {
		right()
	}
	return ok(userRef(a.ID, a.Email)), err
}

func emailConfirm(c *call) (reply, error) {
	a, err := ctrl(c).ConfirmEmail(c.ctx(), c.actor, c.param("account"))
	return ok(serializeAccount(a)), err
}

func (c *call) factorBody() (password, code string, err error) {
	var in struct{ Password, Code *string }
	if err := c.decode(&in); err != nil {
		return "", "", err
	}
	return value(in.Password), value(in.Code), c.sensitive()
}

func twoFactorBegin(c *call) (reply, error) {
	password, _, err := c.factorBody()
	if err != nil {
		return reply{}, err
	}
	key, address, err := ctrl(c).BeginTwoFactor(c.ctx(), c.actor, password)
	return created(client.TwoFactor{Secret: key, URL: address}), err
}

func twoFactorEnable(c *call) (reply, error) {
	_, code, err := c.factorBody()
	if err != nil {
		return reply{}, err
	}
	codes, err := ctrl(c).EnableTwoFactor(c.ctx(), c.actor, code)
	return ok(client.TwoFactor{Enabled: true, RecoveryCodes: codes}), err
}

func twoFactorDisable(c *call) (reply, error) {
	password, code, err := c.factorBody()
	if err != nil {
		return reply{}, err
	}
	return ok(client.TwoFactor{}), ctrl(c).DisableTwoFactor(c.ctx(), c.actor, password, code)
}
