package control

import (
	"context"
	"errors"

	"github.com/kigo-dev/kigo"
)

// EnableACM has the platform get certificates for an app's custom domains that
// have none of their own.
func (c *Control) EnableACM(ctx context.Context, a Actor, id kigo.AppID) (app kigo.App, err error) {
	if !c.ACME {
		return app, kigo.Invalid("This server gets no certificates by itself: its operator starts it with --acme, or you upload one with certs:add.")
	}
	return c.setACM(ctx, a, id, true)
}

// DisableACM ends that, and removes the certificates that came from it.
func (c *Control) DisableACM(ctx context.Context, a Actor, id kigo.AppID) (kigo.App, error) {
	return c.setACM(ctx, a, id, false)
}

func (c *Control) setACM(ctx context.Context, a Actor, id kigo.AppID, on bool) (app kigo.App, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		if app, err = tx.app(id); err != nil || app.ACM == on {
			return err
		}
		if !on {
			if err := tx.forgetACM(id); err != nil {
				return err
			}
		}
		if err := tx.SetACM(id, on); err != nil {
			return err
		}
		app.ACM = on
		word := "Disable"
		if on {
			word = "Enable"
		}
		tx.byf(id, "%s automated certificate management", word)
		return tx.emit("app.update", id, string(id), map[string]bool{"acm": on})
	})
	return app, err
}

// forgetACM removes an app's automatic certificates, and what was known of them.
func (c *change) forgetACM(id kigo.AppID) error {
	endpoints, err := c.SNIEndpoints(id)
	if err != nil {
		return err
	}
	for _, e := range endpoints {
		if e.Automatic {
			if err := errors.Join(c.DeleteSNIEndpoint(e.ID), c.emit("sni-endpoint.delete", id, e.ID, nil)); err != nil {
				return err
			}
		}
	}
	return c.eachCustomDomain(id, func(d *kigo.Domain) { d.Automatic = kigo.AutomaticCertificate{} })
}

// RefreshACM tries again at once what has failed.
func (c *Control) RefreshACM(ctx context.Context, a Actor, id kigo.AppID) (app kigo.App, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		if app, err = tx.app(id); err != nil {
			return err
		}
		if !app.ACM {
			return kigo.Invalid("Automated certificate management is not enabled for %s: certs:auto:enable does that.", app.Name)
		}
		err := tx.eachCustomDomain(id, func(d *kigo.Domain) {
			if d.Automatic.Status != kigo.ACMIssued {
				d.Automatic = kigo.AutomaticCertificate{}
			}
		})
		if err != nil {
			return err
		}
		tx.byf(id, "Refresh automated certificate management")
		return tx.emit("app.update", id, string(id), map[string]bool{"acm": true})
	})
	return app, err
}

// eachCustomDomain writes what f changes of the state of automatic certificates.
func (c *change) eachCustomDomain(id kigo.AppID, f func(*kigo.Domain)) error {
	domains, err := c.Domains(id)
	if err != nil {
		return err
	}
	for _, d := range domains {
		before := d.Automatic
		if f(&d); d.Automatic == before || d.Kind != kigo.DomainCustom {
			continue
		}
		if err := c.UpdateAutomaticCertificate(&d); err != nil {
			return err
		}
	}
	return nil
}

// dropAutomatic removes the automatic certificate of a domain that goes.
func (c *change) dropAutomatic(d kigo.Domain) error {
	if d.SNIEndpoint == "" {
		return nil
	}
	e, err := c.FindSNIEndpoint(d.App, d.SNIEndpoint)
	if err != nil || !e.Automatic {
		return err
	}
	return errors.Join(c.DeleteSNIEndpoint(e.ID), c.emit("sni-endpoint.delete", d.App, e.ID, nil))
}
