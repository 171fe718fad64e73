package api

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"slices"
	"strings"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/store"
)

// Identity providers as the variant 3.sdk of the API knows them: by themselves, with
// several certificates. What is kept is the same.

// findProvider finds {provider} among those of the teams that the actor manages.
func (c *call) findProvider() (p kigo.IdentityProvider, err error) {
	var teams []kigo.Team
	err = c.view(func(tx *store.Tx) error {
		teams, err = tx.TeamsOf(c.actor.ID)
		return err
	})
	for _, t := range teams {
		if c.team = t; ctrl(c).Can(c.ctx(), c.actor, kigo.PermissionManage, t) != nil {
			continue
		}
		if p, err := c.provider(); err == nil {
			return p, nil
		}
	}
	return p, errors.Join(err, kigo.NotFound("identity provider"))
}

// block is one certificate of a provider.
func block(p kigo.IdentityProvider, text string) client.ProviderCertificate {
	text = strings.TrimSpace(text)
	out := client.ProviderCertificate{Body: text, CreatedAt: second(p.CreatedAt), ID: fixedID("provider-certificate", p.ID+text), IdentityProviderID: p.ID}
	if b, _ := pem.Decode([]byte(text)); b != nil {
		if leaf, err := x509.ParseCertificate(b.Bytes); err == nil {
			out.ExpiresAt = second(leaf.NotAfter)
		}
	}
	return out
}

func blocks(p kigo.IdentityProvider) (all []client.ProviderCertificate) {
	rest := []byte(p.Certificate)
	for {
		b, more := pem.Decode(rest)
		if b == nil {
			return all
		}
		all, rest = append(all, block(p, string(pem.EncodeToMemory(b)))), more
	}
}

func (c *call) serializeProviderWhole(p kigo.IdentityProvider) client.ProviderWhole {
	out := client.ProviderWhole{
		Certificate: optional(p.Certificate), Certificates: []client.ProviderCertificateShort{}, CreatedAt: second(p.CreatedAt), EntityID: p.EntityID,
		HerokuEntityID: "urn:kigo:" + p.ID, ID: p.ID, Name: p.EntityID, Owner: providerOwner(c.team), SLOTargetURL: p.SLOURL, SSOTargetURL: p.SSOURL, UpdatedAt: second(p.UpdatedAt),
	}
	for _, b := range blocks(p) {
		out.Certificates = append(out.Certificates, client.ProviderCertificateShort{Body: b.Body, CreatedAt: b.CreatedAt, ExpiresAt: b.ExpiresAt, ID: b.ID})
	}
	return out
}

func (c *call) providerReply(wrap func(any) reply, p kigo.IdentityProvider, err error) (reply, error) {
	return wrap(c.serializeProviderWhole(p)), err
}

func providerInfo(c *call) (reply, error) {
	p, err := c.findProvider()
	return c.providerReply(ok, p, err)
}

// providerBody reads what a provider shall be into p.
func (c *call) providerBody(p *kigo.IdentityProvider, owner *string) error {
	var in struct {
		Certificate  *string `json:"certificate"`
		Certificates []struct{ Body *string }
		EntityID     *string `json:"entity_id"`
		SLOTargetURL *string `json:"slo_target_url"`
		SSOTargetURL *string `json:"sso_target_url"`
		Enabled      *bool   `json:"enabled"`
		Owner        *ident  `json:"owner"`
	}
	if err := c.decode(&in); err != nil {
		return err
	}
	if value(in.Enabled) {
		return kigo.Invalid("enabled cannot be true: logins here are by password and second factor; an identity provider is kept, and not asked.")
	}
	var bodies []string
	for _, one := range in.Certificates {
		if one.Body != nil {
			bodies = append(bodies, strings.TrimSpace(*one.Body))
		}
	}
	if len(bodies) > 0 {
		in.Certificate = optional(strings.Join(bodies, "\n") + "\n")
	}
	for to, from := range map[*string]*string{&p.Certificate: in.Certificate, &p.EntityID: in.EntityID, &p.SLOURL: in.SLOTargetURL, &p.SSOURL: in.SSOTargetURL} {
		if from != nil {
			*to = *from
		}
	}
	*owner = in.Owner.String()
	return nil
}

func providerCreate(c *call) (reply, error) {
	var p kigo.IdentityProvider
	var owner string
	if err := c.providerBody(&p, &owner); err != nil {
		return reply{}, err
	}
	if owner == "" {
		return reply{}, kigo.Invalid("owner is required: a team that you manage.")
	}
	var err error
	if c.team, err = ctrl(c).Team(c.ctx(), c.actor, kigo.PermissionManage, owner); err != nil {
		return reply{}, err
	}
	p.Team = c.team.ID
	p, err = ctrl(c).PutIdentityProvider(c.ctx(), c.actor, p)
	return c.providerReply(created, p, err)
}

func providerUpdate(c *call) (reply, error) {
	p, err := c.findProvider()
	if err != nil {
		return reply{}, err
	}
	var owner string
	if err := c.providerBody(&p, &owner); err != nil {
		return reply{}, err
	}
	p, err = ctrl(c).PutIdentityProvider(c.ctx(), c.actor, p)
	return c.providerReply(ok, p, err)
}

// providerCertificate finds {certificate} of a provider.
func (c *call) providerCertificate() (kigo.IdentityProvider, []client.ProviderCertificate, int, error) {
	p, err := c.findProvider()
	if err != nil {
		return p, nil, 0, err
	}
	all := blocks(p)
	i := slices.IndexFunc(all, func(b client.ProviderCertificate) bool { return b.ID == c.param("certificate") })
	if i < 0 {
		return p, nil, 0, kigo.NotFound("certificate")
	}
	return p, all, i, nil
}

func providerCertificateInfo(c *call) (reply, error) {
	_, all, i, err := c.providerCertificate()
	if err != nil {
		return reply{}, err
	}
	return ok(all[i]), nil
}

func providerCertificateCreate(c *call) (reply, error) {
	p, err := c.findProvider()
	if err != nil {
		return reply{}, err
	}
	var in struct{ Body *string }
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	added := block(p, value(in.Body))
	if added.ExpiresAt.IsZero() {
		return reply{}, kigo.Invalid("body is required: a certificate in PEM.")
	}
	p.Certificate = strings.TrimSpace(p.Certificate) + "\n" + added.Body + "\n"
	_, err = ctrl(c).PutIdentityProvider(c.ctx(), c.actor, p)
	return created(added), err
}

// providerCertificateUpdate has nothing to change: names of certificates are not kept.
func providerCertificateUpdate(c *call) (reply, error) { return providerCertificateInfo(c) }

func providerCertificateDelete(c *call) (reply, error) {
	p, all, i, err := c.providerCertificate()
	if err != nil {
		return reply{}, err
	}
	if len(all) == 1 {
		return reply{}, kigo.Invalid("An identity provider needs a certificate: add another one first.")
	}
	gone := all[i]
	var left []string
	for _, b := range slices.Delete(all, i, i+1) {
		left = append(left, b.Body)
	}
	p.Certificate = strings.Join(left, "\n") + "\n"
	_, err = ctrl(c).PutIdentityProvider(c.ctx(), c.actor, p)
	return ok(gone), err
}
