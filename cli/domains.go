package cli

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/net/publicsuffix"

	"github.com/kigo-dev/kigo/client"
)

var domainCommands = []command{
	{name: "domains", short: "list the host names of an app", app: oneApp, login: true, run: domains, flags: jsonFlag},
	{name: "domains:add", args: "HOSTNAME", short: "serve an app under a host name", app: oneApp, login: true, run: domainAdd, flags: func(fs *pflag.FlagSet) {
		fs.StringP("cert", "c", "", "name of the certificate for it")
		fs.Bool("wait", false, "until it is served")
		jsonFlag(fs)
	}},
	{name: "domains:clear", short: "serve an app under no host names of its own", app: oneApp, login: true, run: domainsClear},
	{name: "domains:info", args: "HOSTNAME", short: "show all about a host name", app: oneApp, login: true, run: domainInfo},
	{name: "domains:remove", args: "HOSTNAME", short: "serve an app under a host name no more", app: oneApp, login: true, run: domainRemove},
	{name: "domains:update", args: "HOSTNAME", short: "serve a host name with another certificate", app: oneApp, login: true, run: domainUpdate, flags: func(fs *pflag.FlagSet) {
		fs.StringP("cert", "c", "", "name of the certificate")
	}},
	{name: "domains:wait", args: "[HOSTNAME]", short: "wait until host names are served", app: oneApp, login: true, run: domainWait},
}

func certificateOf(d client.Domain) string {
	if d.SNIEndpoint == nil {
		return ""
	}
	return d.SNIEndpoint.Name
}

func domains(c *call) error {
	all, err := c.api.Domains(c, c.app)
	if err != nil {
		return err
	}
	if c.is("json") {
		return c.json(all)
	}
	var rows [][]string
	c.header("%s Heroku Domain", c.app)
	for _, d := range all {
		if d.Kind == "heroku" {
			c.println("%s", d.Hostname)
			continue
		}
		target := ""
		if d.CNAME != nil {
			target = *d.CNAME
		}
		rows = append(rows, []string{d.Hostname, recordType(d.Hostname, "ALIAS or ANAME"), target, certificateOf(d)})
	}
	if len(rows) > 0 {
		c.println("\n")
		c.header("%s Custom Domains", c.app)
		c.table([]string{"Domain Name", "DNS Record Type", "DNS Target", "SNI Endpoint"}, rows)
	}
	return nil
}

func domainAdd(c *call) error {
	body := map[string]any{"hostname": c.arg(0), "sni_endpoint": nil}
	if cert := c.str("cert"); cert != "" {
		body["sni_endpoint"] = cert
	}
	c.begin("Adding %s to %s", c.arg(0), c.app)
	var d client.Domain
	err := c.ended(c.api.Do(c, "POST", "/apps/"+url.PathEscape(c.app)+"/domains", body, &d))
	if err != nil {
		return err
	}
	if c.is("wait") {
		if err := c.awaitDomain(&d); err != nil {
			return err
		}
	}
	if c.is("json") {
		return c.json(d)
	}
	target := ""
	if d.CNAME != nil {
		target = *d.CNAME
	}
	c.println("Configure your app's DNS provider to point to the DNS Target %s.", target)
	return nil
}

func domainRemove(c *call) error {
	c.begin("Removing %s from %s", c.arg(0), c.app)
	return c.ended(c.api.Do(c, "DELETE", "/apps/"+url.PathEscape(c.app)+"/domains/"+url.PathEscape(c.arg(0)), nil, nil))
}

// domainsClear removes every host name that is not the platform's own.
func domainsClear(c *call) error {
	c.begin("Removing all domains from %s", c.app)
	all, err := c.api.Domains(c, c.app)
	for _, d := range all {
		if err == nil && d.Kind == "custom" {
			err = c.api.RemoveDomain(c, c.app, d.Hostname)
		}
	}
	return c.ended(err)
}

// domainInfo shows everything about a host name.
func domainInfo(c *call) error {
	d, err := c.api.Domain(c, c.app, c.arg(0))
	if err != nil {
		return err
	}
	text := func(key string, v *string) pair {
		if v == nil {
			return pair{key: key}
		}
		return one(key, *v)
	}
	pairs := []pair{
		text("acm_status", d.ACMStatus), text("acm_status_reason", d.ACMStatusReason), one("app", d.App.Name), text("cname", d.CNAME),
		one("created_at", d.CreatedAt.UTC().Format(time.RFC3339)), one("hostname", d.Hostname), one("id", d.ID), one("kind", d.Kind),
	}
	if d.SNIEndpoint != nil {
		pairs = append(pairs, one("sni_endpoint", fmt.Sprintf("id: '%s', name: '%s'", d.SNIEndpoint.ID, d.SNIEndpoint.Name)))
	}
	c.object(append(pairs, one("status", d.Status), one("updated_at", d.UpdatedAt.UTC().Format(time.RFC3339))))
	return nil
}

// domainUpdate serves a host name with another certificate.
func domainUpdate(c *call) error {
	cert, err := c.need("cert")
	if err != nil {
		return err
	}
	doing := "Updating " + c.arg(0) + " to use " + cert + " certificate"
	return c.act(doing, "PATCH", map[string]string{"sni_endpoint": cert}, "apps", c.app, "domains", c.arg(0))
}

// domainWait waits until a host name, or each that is on its way, is served.
func domainWait(c *call) error {
	var waiting []client.Domain
	if host := c.arg(0); host != "" {
		d, err := c.api.Domain(c, c.app, host)
		if err != nil {
			return err
		}
		waiting = []client.Domain{d}
	} else {
		every, err := c.api.Domains(c, c.app)
		if err != nil {
			return err
		}
		for _, d := range every {
			if d.Status == "pending" {
				waiting = append(waiting, d)
			}
		}
	}
	for _, d := range waiting {
		if err := c.awaitDomain(&d); err != nil {
			return err
		}
	}
	return nil
}

// awaitDomain waits until a host name is served.
func (c *call) awaitDomain(d *client.Domain) (err error) {
	c.begin("Waiting for %s", d.Hostname)
	for d.Status == "pending" {
		if err := pause(c, time.Second); err != nil {
			return err
		}
		if *d, err = c.api.Domain(c, c.app, d.ID); err != nil {
			return err
		}
	}
	c.done("done")
	if d.Status != "succeeded" && d.Status != "none" {
		return sentence("The domain creation finished with status %s", d.Status)
	}
	return nil
}

// recordType is how a host name leads elsewhere in DNS: one that is a whole registered
// domain can have no CNAME.
func recordType(host, apex string) string {
	suffix, _ := publicsuffix.PublicSuffix(host)
	if !strings.Contains(host, "*") && strings.Count(strings.TrimSuffix(host, "."+suffix), ".") == 0 && host != suffix {
		return apex
	}
	return "CNAME"
}
