package api

import (
	"strings"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/store"
)

func (c *call) serializeDomain(d kigo.Domain) client.Domain {
	return client.Domain{
		App:       appRef(c.app),
		CNAME:     optional(d.CNAME),
		CreatedAt: second(d.CreatedAt),
		Hostname:  d.Hostname,
		ID:        d.ID,
		Kind:      d.Kind,
		Status:    d.Status,
		UpdatedAt: second(d.UpdatedAt),
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
	return page(c, all, each(c.serializeDomain),
		textKey("id", func(d kigo.Domain) string { return d.ID }),
		textKey("hostname", func(d kigo.Domain) string { return d.Hostname }))
}

func domainInfo(c *call) (reply, error) {
	var d kigo.Domain
	err := c.view(func(tx *store.Tx) (err error) {
		d, err = tx.FindDomain(c.app.ID, strings.ToLower(c.param("domain")))
		return err
	})
	return ok(c.serializeDomain(d)), err
}

func domainCreate(c *call) (reply, error) {
	var in struct {
		Hostname *string `json:"hostname"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if value(in.Hostname) == "" {
		return reply{}, kigo.Invalid("hostname is required: the full name, such as www.example.com.")
	}
	d, err := ctrl(c).AddDomain(c.ctx(), c.actor, c.app.ID, *in.Hostname)
	return created(c.serializeDomain(d)), err
}

func domainDelete(c *call) (reply, error) {
	d, err := ctrl(c).RemoveDomain(c.ctx(), c.actor, c.app.ID, strings.ToLower(c.param("domain")))
	return ok(c.serializeDomain(d)), err
}
