package api

import (
	"strings"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/store"
)

// domainShow returns what shows domains, with the names of their certificates.
func (c *call) domainShow() (func(kigo.Domain) client.Domain, error) {
	names := map[string]*client.Ref{}
	err := c.view(func(tx *store.Tx) error {
		all, err := tx.SNIEndpoints(c.app.ID)
		for _, e := range all {
			names[e.ID] = &client.Ref{ID: e.ID, Name: e.Name}
		}
		return err
	})
	return func(d kigo.Domain) client.Domain {
		out := c.serializeDomain(d)
		out.SNIEndpoint = names[d.SNIEndpoint]
		return out
	}, err
}

func (c *call) domainReply(wrap func(any) reply, d kigo.Domain, err error) (reply, error) {
	if err != nil {
		return reply{}, err
	}
	show, err := c.domainShow()
	return wrap(show(d)), err
}

func (c *call) serializeDomain(d kigo.Domain) client.Domain {
	return client.Domain{
		ACMStatus:       optional(d.Automatic.Status),
		ACMStatusReason: optional(d.Automatic.Reason),
		App:             appRef(c.app),
		CNAME:           optional(d.CNAME),
		CreatedAt:       second(d.CreatedAt),
		Hostname:        d.Hostname,
		ID:              d.ID,
		Kind:            d.Kind,
		Status:          d.Status,
		UpdatedAt:       second(d.UpdatedAt),
	}
}

func domainList(c *call) (reply, error) {
	var all []kigo.Domain
	err := c.view(func(tx *store.Tx) (err error) {
		all, err = tx.Domains(c.app.ID)
		return err
	})
	if err != nil {
		return reply{}, err
	}
	show, err := c.domainShow()
	if err != nil {
		return reply{}, err
	}
	return page(c, all, each(show),
		textKey("id", func(d kigo.Domain) string { return d.ID }),
		textKey("hostname", func(d kigo.Domain) string { return d.Hostname }))
}

func domainInfo(c *call) (reply, error) {
	var d kigo.Domain
	err := c.view(func(tx *store.Tx) (err error) {
		d, err = tx.FindDomain(c.app.ID, strings.ToLower(c.param("domain")))
		return err
	})
	return c.domainReply(ok, d, err)
}

func domainCreate(c *call) (reply, error) {
	var in struct {
		Hostname    *string `json:"hostname"`
		SNIEndpoint *ident  `json:"sni_endpoint"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if value(in.Hostname) == "" {
		return reply{}, kigo.Invalid("hostname is required: the full name, such as www.example.com.")
	}
	d, err := ctrl(c).AddDomain(c.ctx(), c.actor, c.app.ID, *in.Hostname, in.SNIEndpoint.String())
	return c.domainReply(created, d, err)
}

// domainUpdate changes which certificate a domain is served with; null is none.
func domainUpdate(c *call) (reply, error) {
	var in struct {
		SNIEndpoint *ident `json:"sni_endpoint"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	d, err := ctrl(c).SetDomainCertificate(c.ctx(), c.actor, c.app.ID, strings.ToLower(c.param("domain")), in.SNIEndpoint.String())
	return c.domainReply(ok, d, err)
}

func domainDelete(c *call) (reply, error) {
	d, err := ctrl(c).RemoveDomain(c.ctx(), c.actor, c.app.ID, strings.ToLower(c.param("domain")))
	return c.domainReply(ok, d, err)
}
