package control

import (
	"context"
	"errors"
	"net/netip"
	"strings"

	"golang.org/x/net/idna"

	"github.com/kigo-dev/kigo"
)

const maxDomains = 1000 // of one app (Heroku's documentation of limits)

// AddDomain lets a host name lead to an app, served with the certificate of that
// name or id or, when it is empty, with the newest that fits.
func (c *Control) AddDomain(ctx context.Context, a Actor, id kigo.AppID, hostname, certificate string) (d kigo.Domain, err error) {
	host, err := c.checkHostname(hostname)
	if err != nil {
		return d, err
	}
	err = c.update(ctx, a, func(tx *change) error {
		app, err := tx.app(id)
		if err != nil {
			return err
		}
		have, err := tx.Domains(id)
		if err != nil {
			return err
		}
		if len(have) >= maxDomains {
			return kigo.Invalid("%s has %d domains, and more are not possible.", app.Name, len(have))
		}
		other, err := tx.DomainByHost(host)
		if err == nil && other.App == id {
			return kigo.Invalid("Domain already added to this app.") // to the letter: clients that add one again look for it
		}
		if err == nil {
			return kigo.Invalid("%s is currently in use by another app.", host)
		}
		if !errors.Is(err, kigo.ErrNotFound) {
			return err
		}
		if err := tx.checkOverlap(app, host); err != nil {
			return err
		}
		d = kigo.Domain{App: id, Hostname: host, Kind: kigo.DomainCustom, CNAME: c.hostname(app.Name), Status: "succeeded"}
		if certificate != "" {
			err = tx.attach(&d, certificate)
		} else {
			d.SNIEndpoint, err = tx.fitting(id, host)
		}
		if err != nil {
			return err
		}
		if err := tx.CreateDomain(&d); err != nil {
			return err
		}
		tx.byf(id, "Add %s domain", host)
		return tx.emit("domain.create", id, d.ID, map[string]string{"hostname": host})
	})
	return d, err
}

// checkOverlap refuses a wildcard over names of other owners' apps, and a name below
// another owner's wildcard: it would take visitors away from them.
func (c *change) checkOverlap(app kigo.App, host string) error {
	inUse := kigo.Invalid("%s is currently in use by another app.", host)
	var others []kigo.Domain
	rest, wild := strings.CutPrefix(host, "*.")
	if wild {
		all, err := c.AllDomains()
		if err != nil {
			return err
		}
		for _, d := range all {
			if _, parent, _ := strings.Cut(d.Hostname, "."); parent == rest {
				others = append(others, d)
			}
		}
	} else if _, parent, ok := strings.Cut(host, "."); ok {
		d, err := c.DomainByHost("*." + parent)
		if err == nil {
			others = append(others, d)
		} else if !errors.Is(err, kigo.ErrNotFound) {
			return err
		}
	}
	for _, d := range others {
		other, err := c.App(d.App)
		if err != nil {
			return err
		}
		if other.Owner != app.Owner {
			return inUse
		}
	}
	return nil
}

// RemoveDomain takes a host name away from an app; its default one stays.
func (c *Control) RemoveDomain(ctx context.Context, a Actor, id kigo.AppID, hostOrID string) (d kigo.Domain, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		if _, err := tx.app(id); err != nil {
			return err
		}
		if d, err = tx.FindDomain(id, hostOrID); err != nil {
			return err
		}
		if d.Kind == kigo.DomainDefault {
			return kigo.Invalid("%s is the app's own domain and cannot be removed.", d.Hostname)
		}
		if err := errors.Join(tx.dropAutomatic(d), tx.DeleteDomain(d.ID)); err != nil {
			return err
		}
		tx.byf(id, "Remove %s domain", d.Hostname)
		return tx.emit("domain.delete", id, d.ID, map[string]string{"hostname": d.Hostname})
	})
	return d, err
}

// SyncDomains gives every app the default domain that it should have, for a
// server whose operator has changed the platform's domain. Call it at the start.
func (c *Control) SyncDomains(ctx context.Context) error {
	return c.update(ctx, Actor{}, func(tx *change) error {
		apps, err := tx.Apps()
		if err != nil {
			return err
		}
		domains, err := tx.AllDomains()
		if err != nil {
			return err
		}
		names := map[kigo.AppID]string{}
		for _, app := range apps {
			names[app.ID] = app.Name
		}
		for _, d := range domains {
			want := c.hostname(names[d.App])
			if d.Kind != kigo.DomainDefault || d.Hostname == want {
				continue
			}
			d.Hostname = want
			if err := errors.Join(tx.UpdateDomain(&d), tx.emit("domain.create", d.App, d.ID, nil)); err != nil {
				return err
			}
		}
		return nil
	})
}

// checkHostname returns a host name as requests carry it, in ASCII and lower case.
func (c *Control) checkHostname(given string) (string, error) {
	bad := func(why string) (string, error) { return "", kigo.Invalid("%q is not a valid domain: %s", given, why) }
	host := strings.TrimSuffix(strings.ToLower(given), ".")
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return bad("it is an IP address")
	}
	name, wild := strings.CutPrefix(host, "*.")
	ascii, err := hostProfile.ToASCII(name)
	if err != nil || ascii == "" || len(ascii) > 253-2 {
		return bad("a host name has letters, digits and dashes between dots")
	}
	if !strings.Contains(ascii, ".") {
		return bad("it needs at least two parts, such as example.com")
	}
	platform := strings.TrimPrefix(c.hostname(""), ".")
	if ascii == platform || strings.HasSuffix(ascii, "."+platform) {
		return bad("names under " + platform + " belong to the platform")
	}
	if wild {
		ascii = "*." + ascii
	}
	return ascii, nil
}

// hostProfile also refuses coded parts that mean plain ASCII, which would be a
// second spelling of a name.
var hostProfile = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(true), idna.VerifyDNSLength(true))
