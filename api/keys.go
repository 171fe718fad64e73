package api

import (
	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/control"
)

func (c *call) serializeKey(k kigo.SSHKey) client.Key {
	return client.Key{
		Comment: k.Comment, CreatedAt: second(k.CreatedAt), Email: c.actor.Email, Fingerprint: k.Fingerprint,
		ID: k.ID, PublicKey: k.PublicKey, UpdatedAt: second(k.UpdatedAt),
	}
}

func keyList(c *call) (reply, error) {
	all, err := ctrl(c).SSHKeys(c.ctx(), c.actor)
	if err != nil {
		return reply{}, err
	}
	return page(c, all, each(c.serializeKey), textKey("id", func(k kigo.SSHKey) string { return k.ID }))
}

func keyInfo(c *call) (reply, error) {
	all, err := ctrl(c).SSHKeys(c.ctx(), c.actor)
	if err != nil {
		return reply{}, err
	}
	for _, k := range all {
		if which := c.param("key"); which == k.ID || which == k.Fingerprint {
			return ok(c.serializeKey(k)), nil
		}
	}
	return reply{}, kigo.NotFound("key")
}

func keyCreate(c *call) (reply, error) {
	var in struct {
		PublicKey *string `json:"public_key"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if value(in.PublicKey) == "" {
		return reply{}, kigo.Invalid("public_key is required: one line such as ssh-ed25519 AAAAC3… you@example.com.")
	}
	k, err := ctrl(c).AddSSHKey(c.ctx(), c.actor, *in.PublicKey)
	return created(c.serializeKey(k)), err
}

func keyDelete(c *call) (reply, error) {
	k, err := ctrl(c).RemoveSSHKey(c.ctx(), c.actor, c.param("key"))
	return ok(c.serializeKey(k)), err
}

func serializeOAuthClient(o kigo.OAuthClient) client.OAuthClient {
	return client.OAuthClient{
		CreatedAt: second(o.CreatedAt), ID: o.ID, Name: o.Name, RedirectURI: o.RedirectURI, Secret: o.Secret, UpdatedAt: second(o.UpdatedAt),
	}
}

func oauthClientList(c *call) (reply, error) {
	all, err := ctrl(c).OAuthClients(c.ctx(), c.actor)
	if err != nil {
		return reply{}, err
	}
	return page(c, all, each(serializeOAuthClient), textKey("id", func(o kigo.OAuthClient) string { return o.ID }))
}

func oauthClientInfo(c *call) (reply, error) {
	all, err := ctrl(c).OAuthClients(c.ctx(), c.actor)
	if err != nil {
		return reply{}, err
	}
	for _, o := range all {
		if o.ID == c.param("client") {
			return ok(serializeOAuthClient(o)), nil
		}
	}
	return reply{}, kigo.NotFound("OAuth client")
}

func (c *call) oauthClientChange() (ch control.OAuthClientChange, err error) {
	var in struct {
		Name        *string `json:"name"`
		RedirectURI *string `json:"redirect_uri"`
	}
	err = c.decode(&in)
	return control.OAuthClientChange{Name: in.Name, RedirectURI: in.RedirectURI}, err
}

func oauthClientCreate(c *call) (reply, error) {
	ch, err := c.oauthClientChange()
	if err != nil {
		return reply{}, err
	}
	o, err := ctrl(c).CreateOAuthClient(c.ctx(), c.actor, ch)
	return created(serializeOAuthClient(o)), err
}

func oauthClientUpdate(c *call) (reply, error) {
	ch, err := c.oauthClientChange()
	if err != nil {
		return reply{}, err
	}
	o, err := ctrl(c).UpdateOAuthClient(c.ctx(), c.actor, c.param("client"), ch)
	return ok(serializeOAuthClient(o)), err
}

func oauthClientDelete(c *call) (reply, error) {
	o, err := ctrl(c).DeleteOAuthClient(c.ctx(), c.actor, c.param("client"))
	return ok(serializeOAuthClient(o)), err
}

func oauthClientRotate(c *call) (reply, error) {
	o, err := ctrl(c).RotateOAuthClient(c.ctx(), c.actor, c.param("client"))
	return ok(serializeOAuthClient(o)), err
}
