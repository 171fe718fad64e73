package api

import (
	"errors"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/store"
)

func providerOwner(t kigo.Team) client.ProviderOwner {
	return client.ProviderOwner{ID: string(t.ID), Name: t.Name, Type: "team"}
}

func (c *call) serializeProvider(p kigo.IdentityProvider) client.IdentityProvider {
	return client.IdentityProvider{
		Certificate: p.Certificate, CreatedAt: second(p.CreatedAt), EntityID: p.EntityID, ID: p.ID, Organization: &client.NameRef{Name: c.team.Name},
		Owner: providerOwner(c.team), SLOTargetURL: p.SLOURL, SSOTargetURL: p.SSOURL, UpdatedAt: second(p.UpdatedAt),
	}
}

func (c *call) identityProviders() (all []kigo.IdentityProvider, err error) {
	err = c.view(func(tx *store.Tx) error {
		all, err = tx.IdentityProviders(c.team.ID)
		return err
	})
	return all, err
}

func identityProviderList(c *call) (reply, error) {
	all, err := c.identityProviders()
	if err != nil {
		return reply{}, err
	}
	return page(c, all, each(c.serializeProvider), textKey("id", func(p kigo.IdentityProvider) string { return p.ID }))
}

// provider finds {provider} among the team's.
func (c *call) provider() (kigo.IdentityProvider, error) {
	all, err := c.identityProviders()
	for _, p := range all {
		if which := c.param("provider"); which == p.ID || which == p.EntityID {
			return p, err
		}
	}
	return kigo.IdentityProvider{}, errors.Join(err, kigo.NotFound("identity provider"))
}

func identityProviderCreate(c *call) (reply, error) {
	return c.putProvider(created, kigo.IdentityProvider{Team: c.team.ID})
}

func identityProviderUpdate(c *call) (reply, error) {
	p, err := c.provider()
	if err != nil {
		return reply{}, err
	}
	return c.putProvider(ok, p)
}

func (c *call) putProvider(wrap func(any) reply, p kigo.IdentityProvider) (reply, error) {
	var in struct {
		Certificate  *string `json:"certificate"`
		EntityID     *string `json:"entity_id"`
		SLOTargetURL *string `json:"slo_target_url"`
		SSOTargetURL *string `json:"sso_target_url"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	for to, from := range map[*string]*string{&p.Certificate: in.Certificate, &p.EntityID: in.EntityID, &p.SLOURL: in.SLOTargetURL, &p.SSOURL: in.SSOTargetURL} {
		if from != nil {
			*to = *from
		}
	}
	p, err := ctrl(c).PutIdentityProvider(c.ctx(), c.actor, p)
	return wrap(c.serializeProvider(p)), err
}

func identityProviderDelete(c *call) (reply, error) {
	p, err := c.provider()
	if err == nil {
		err = ctrl(c).DeleteIdentityProvider(c.ctx(), c.actor, p)
	}
	return ok(c.serializeProvider(p)), err
}
