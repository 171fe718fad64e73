package cli

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/kigo-dev/kigo/client"
)

var acmCommands = []command{
	{name: "certs:auto", short: "show how far automatic certificates are", app: oneApp, login: true, run: acmStatus, flags: func(fs *pflag.FlagSet) {
		fs.Bool("json", false, "print JSON")
		fs.Bool("wait", false, "until each domain has its certificate, or none can be had")
	}},
	{name: "certs:auto:disable", short: "end automatic certificates", app: oneApp, login: true, run: certAutoDisable, flags: confirmFlag},
	{name: "certs:auto:enable", short: "get certificates for the app's domains by themselves", app: oneApp, login: true, run: acmEnable, flags: func(fs *pflag.FlagSet) {
		fs.Bool("wait", false, "until each domain has its certificate, or none can be had")
	}},
	{name: "certs:auto:refresh", short: "try again to get automatic certificates", app: oneApp, login: true, run: certAutoRefresh},
}

// acmWords are what the states of automatic certificates are called.
var acmWords = map[string]string{"": "Waiting", "ok": "OK", "failed": "Failed", "verified": "In Progress", "dns-verified": "DNS Verified"}

func acmWord(status string) string {
	if w, ok := acmWords[status]; ok {
		return w
	}
	words := strings.Split(status, "-")
	for i, w := range words {
		if w != "" {
			words[i] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return strings.Join(words, " ")
}

// customDomains are the app's host names that are not the platform's own.
func (c *call) customDomains() ([]client.Domain, error) {
	every, err := c.api.Domains(c, c.app)
	return slices.DeleteFunc(every, func(d client.Domain) bool { return d.Kind != "custom" }), err
}

// acmStatus shows the automatic certificates of an app, domain by domain.
func acmStatus(c *call) error {
	app, err := c.api.App(c, c.app)
	if err != nil {
		return err
	}
	if c.is("json") && (!app.ACM || !c.is("wait")) {
		return c.acmJSON(app.ACM)
	}
	certs, err := c.api.Certificates(c, c.app)
	if err != nil {
		return err
	}
	if !app.ACM {
		c.header("Automatic Certificate Management is disabled on %s", c.app)
		return nil
	}
	if c.is("wait") && c.is("json") {
		if err := c.awaitCertificates(); err != nil && c.Err() != nil {
			return err
		}
		return c.acmJSON(true)
	}
	c.header("Automatic Certificate Management is enabled on %s", c.app)
	if len(certs) == 1 && certs[0].SSLCert.ACM {
		c.certDetails("Certificate details:", certs[0], nil)
		c.println("")
	}
	if c.is("wait") {
		if err := c.awaitCertificates(); err != nil && c.Err() != nil {
			return err
		}
	}
	domains, err := c.customDomains()
	if err != nil {
		return err
	}
	if len(domains) == 0 {
		c.header("Add a custom domain to your app by running: kigo domains:add <yourdomain.com>")
		return nil
	}
	reasons := slices.ContainsFunc(domains, func(d client.Domain) bool { return deref(d.ACMStatusReason) != "" })
	heading := []string{"Domain", "Status"}
	if reasons {
		heading = append(heading, "Reason")
	}
	var rows [][]string
	for _, d := range domains {
		row := []string{d.Hostname, acmWord(deref(d.ACMStatus))}
		if reasons {
			row = append(row, deref(d.ACMStatusReason))
		}
		rows = append(rows, append(row, roughly(time.Since(d.UpdatedAt))))
	}
	c.table(append(heading, "Last Updated"), rows)
	c.acmAdvice(domains)
	return nil
}

func (c *call) acmJSON(on bool) error {
	domains, err := c.customDomains()
	if err != nil {
		return err
	}
	return c.json(struct {
		ACM     bool            `json:"acm"`
		Domains []client.Domain `json:"domains"`
	}{on, domains})
}

const acmReasons = "\n    See our documentation at https://devcenter.heroku.com/articles/automated-certificate-management#failure-reasons"

func (c *call) acmAdvice(domains []client.Domain) {
	some := func(status string) bool {
		return slices.ContainsFunc(domains, func(d client.Domain) bool { return deref(d.ACMStatus) == status })
	}
	switch {
	case some("failed"):
		c.println("")
		c.header("Some domains failed validation after multiple attempts, retry by running: kigo certs:auto:refresh" + acmReasons)
	case some("failing"):
		c.println("")
		c.header("Some domains are failing validation, please verify that your DNS matches: kigo domains" + acmReasons)
	}
}

// awaitCertificates waits until each domain has its certificate, or none can be had.
func (c *call) awaitCertificates() error {
	began := false
	for {
		domains, err := c.customDomains()
		if err != nil {
			return err
		}
		open, failed := 0, 0
		for _, d := range domains {
			switch deref(d.ACMStatus) {
			case "cert issued":
			case "failed":
				failed++
			default:
				open++
			}
		}
		if open == 0 {
			if failed > 0 {
				return sentence("ACM not enabled for some domains")
			}
			if began {
				c.done("done")
			}
			return nil
		}
		if !began {
			c.begin("Waiting until the certificate is issued to all domains")
			began = true
		}
		if err := pause(c, 2*time.Second); err != nil {
			return err
		}
	}
}

func acmEnable(c *call) error {
	c.begin("Enabling Automatic Certificate Management")
	before, err := c.customDomains()
	if err != nil {
		return err
	}
	if err := c.send("POST", map[string]any{}, nil, "apps", c.app, "acm"); err != nil {
		return err
	}
	if c.is("wait") {
		c.done("starting.")
		if err := c.awaitCertificates(); err != nil {
			c.abandon()
			c.header("Error: The certificate could not be issued to all domains. See status with kigo certs:auto.")
			return err
		}
	} else {
		c.done("starting. See status with kigo certs:auto or wait until active with kigo certs:auto --wait")
	}
	after, err := c.stableDomains()
	if err != nil {
		return err
	}
	const message = "Your certificate will now be managed by Kigo. Check the status by running kigo certs:auto."
	moved := slices.DeleteFunc(slices.Clone(after), func(d client.Domain) bool {
		i := slices.IndexFunc(before, func(b client.Domain) bool { return b.Hostname == d.Hostname })
		return i < 0 || deref(before[i].CNAME) == deref(d.CNAME)
	})
	switch {
	case len(moved) > 0:
		c.header("%s  Update your application's DNS settings as follows", message)
		var rows [][]string
		for _, d := range moved {
			rows = append(rows, []string{d.Hostname, recordType(d.Hostname, "ALIAS/ANAME"), deref(d.CNAME)})
		}
		c.table([]string{"Domain", "Record Type", "DNS Target"}, rows)
	default:
		c.header("%s", message)
	}
	return nil
}

// stableDomains waits until each custom domain has its DNS target.
func (c *call) stableDomains() ([]client.Domain, error) {
	for try := range 30 {
		domains, err := c.customDomains()
		if err != nil || !slices.ContainsFunc(domains, func(d client.Domain) bool { return deref(d.CNAME) == "" }) {
			return domains, err
		}
		if try == 0 {
			c.begin("Waiting for stable domains to be created")
		}
		if err := pause(c, time.Second); err != nil {
			return nil, err
		}
	}
	return nil, sentence("Timed out while waiting for stable domains to be created")
}

func certAutoDisable(c *call) error {
	if err := c.confirm(c.app, "This command will disable Automatic Certificate Management from "+c.app+"."); err != nil {
		return err
	}
	c.begin("Disabling Automatic Certificate Management")
	return c.ended(c.api.DisableACM(c, c.app))
}

func certAutoRefresh(c *call) error {
	c.begin("Refreshing Automatic Certificate Management")
	return c.ended(c.api.RefreshACM(c, c.app))
}
