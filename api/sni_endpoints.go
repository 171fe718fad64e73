package api

import (
	"crypto/x509"
	"slices"
	"strings"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/store"
)

// endpoints shows certificates with the domains that are served with them.
func (c *call) endpoints(all []kigo.SNIEndpoint) ([]client.SNIEndpoint, error) {
	var domains []kigo.Domain
	err := c.view(func(tx *store.Tx) (err error) {
		domains, err = tx.Domains(c.app.ID)
		return err
	})
	out := make([]client.SNIEndpoint, len(all))
	for i, e := range all {
		out[i] = client.SNIEndpoint{
			App: appRef(c.app), CertificateChain: e.Chain, CreatedAt: second(e.CreatedAt), Domains: []string{},
			ID: e.ID, Name: e.Name, SSLCert: serializeCertificate(e), UpdatedAt: second(e.UpdatedAt),
		}
		for _, d := range domains {
			if d.SNIEndpoint == e.ID {
				out[i].Domains = append(out[i].Domains, d.ID)
			}
		}
	}
	return out, err
}

func serializeCertificate(e kigo.SNIEndpoint) client.SSLCert {
	leaf, err := control.Leaf(e.Chain)
	if err != nil {
		return client.SSLCert{ID: e.ID, ACM: e.Automatic, CertDomains: []string{}}
	}
	self := leaf.CheckSignature(leaf.SignatureAlgorithm, leaf.RawTBSCertificate, leaf.Signature) == nil
	_, err = leaf.Verify(x509.VerifyOptions{Intermediates: rest(e.Chain), CurrentTime: leaf.NotBefore.Add(leaf.NotAfter.Sub(leaf.NotBefore) / 2)})
	return client.SSLCert{
		ACM: e.Automatic, CASigned: err == nil, CertDomains: leaf.DNSNames, ExpiresAt: second(leaf.NotAfter), ID: e.ID, Issuer: leaf.Issuer.String(),
		SelfSigned: self, StartsAt: second(leaf.NotBefore), Subject: leaf.Subject.String(),
	}
}

// rest are the certificates of a chain, for a check up to a public authority.
func rest(chain string) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(chain))
	return pool
}

func (c *call) endpointReply(wrap func(any) reply, e kigo.SNIEndpoint, err error) (reply, error) {
	if err != nil {
		return reply{}, err
	}
	all, err := c.endpoints([]kigo.SNIEndpoint{e})
	return wrap(all[0]), err
}

func endpointList(c *call) (reply, error) {
	var all []kigo.SNIEndpoint
	err := c.view(func(tx *store.Tx) (err error) {
		all, err = tx.SNIEndpoints(c.app.ID)
		return err
	})
	if err != nil {
		return reply{}, err
	}
	return page(c, all, c.endpoints, textKey("id", func(e kigo.SNIEndpoint) string { return e.ID }),
		textKey("name", func(e kigo.SNIEndpoint) string { return e.Name }))
}

func endpointInfo(c *call) (reply, error) {
	var e kigo.SNIEndpoint
	err := c.view(func(tx *store.Tx) (err error) {
		e, err = tx.FindSNIEndpoint(c.app.ID, c.param("endpoint"))
		return err
	})
	return c.endpointReply(ok, e, err)
}

// certificate reads a chain and its key from the body.
func (c *call) certificate() (chain, key string, err error) {
	var in struct {
		Chain *string `json:"certificate_chain"`
		Key   *string `json:"private_key"`
	}
	if err := c.decode(&in); err != nil {
		return "", "", err
	}
	if slices.Contains([]string{value(in.Chain), value(in.Key)}, "") {
		return "", "", kigo.Invalid("certificate_chain and private_key are required, as PEM.")
	}
	return *in.Chain, strings.TrimSpace(*in.Key) + "\n", nil
}

func endpointCreate(c *call) (reply, error) {
	chain, key, err := c.certificate()
	if err != nil {
		return reply{}, err
	}
	e, err := ctrl(c).AddCertificate(c.ctx(), c.actor, c.app.ID, chain, key)
	return c.endpointReply(created, e, err)
}

func endpointUpdate(c *call) (reply, error) {
	chain, key, err := c.certificate()
	if err != nil {
		return reply{}, err
	}
	e, err := ctrl(c).UpdateCertificate(c.ctx(), c.actor, c.app.ID, c.param("endpoint"), chain, key)
	return c.endpointReply(ok, e, err)
}

func endpointDelete(c *call) (reply, error) {
	e, err := ctrl(c).RemoveCertificate(c.ctx(), c.actor, c.app.ID, c.param("endpoint"))
	return c.endpointReply(ok, e, err)
}
