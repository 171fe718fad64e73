package cli

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/kigo-dev/kigo/client"
)

func certFlags(fs *pflag.FlagSet) {
	fs.String("name", "", "name of the certificate")
	fs.String("endpoint", "", "host name that is served with the certificate")
}

func certChangeFlags(fs *pflag.FlagSet) {
	certFlags(fs)
	fs.String("confirm", "", "the app's name, instead of being asked for it")
}

// certsList shows the certificates of an app.
func certsList(c *call) error {
	all, err := c.api.Certificates(c, c.app)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		c.println("%s has no SSL certificates.\nUse heroku certs:add CRT KEY to add one.", c.app)
		return nil
	}
	slices.SortFunc(all, func(a, b client.SNIEndpoint) int { return cmp.Compare(a.Name, b.Name) })
	named := slices.ContainsFunc(all, func(s client.SNIEndpoint) bool { return s.DisplayName != nil && *s.DisplayName != "" })
	own := slices.ContainsFunc(all, func(s client.SNIEndpoint) bool { return !s.SSLCert.ACM })
	heading := []string{"Name"}
	if named {
		heading = append(heading, "Display Name")
	}
	heading = append(heading, "Common Name(s)", "Expires", "Trusted", "Type")
	if own {
		heading = append(heading, "Domains")
	}
	var rows [][]string
	for _, s := range all {
		row := []string{s.Name}
		if named {
			row = append(row, deref(s.DisplayName))
		}
		trusted, kind, domains := "False", "SNI", strconv.Itoa(len(s.Domains))
		if s.SSLCert.CASigned {
			trusted = "True"
		}
		if s.SSLCert.ACM {
			kind, domains = "ACM", ""
		}
		row = append(row, strings.Join(s.SSLCert.CertDomains, ", "), certTime(s.SSLCert.ExpiresAt), trusted, kind)
		if own {
			row = append(row, domains)
		}
		rows = append(rows, row)
	}
	c.table(heading, rows)
	return nil
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func certTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") + " UTC" }

// certificate finds the certificate that --name or --endpoint mean, or the only one.
func (c *call) certificate() (client.SNIEndpoint, error) {
	none := client.SNIEndpoint{}
	name, host := c.str("name"), c.str("endpoint")
	if name != "" && host != "" {
		return none, sentence("Specified both --name and --endpoint, please use just one")
	}
	all, err := c.api.Certificates(c, c.app)
	if err != nil {
		return none, err
	}
	if len(all) == 0 {
		return none, sentence("%s has no SSL certificates", c.app)
	}
	if host != "" {
		d, err := c.api.Domain(c, c.app, host)
		if err != nil {
			return none, err
		}
		all = slices.DeleteFunc(all, func(s client.SNIEndpoint) bool { return !slices.Contains(s.Domains, d.ID) })
	}
	if name != "" {
		all = slices.DeleteFunc(all, func(s client.SNIEndpoint) bool { return s.Name != name })
	}
	switch len(all) {
	case 0:
		return none, sentence("Record not found.")
	case 1:
		return all[0], nil
	}
	return none, sentence("Must pass --name when more than one endpoint")
}

func certInfo(c *call) error {
	found, err := c.certificate()
	if err != nil {
		return err
	}
	c.begin("Fetching SSL certificate %s info for %s", found.Name, c.app)
	s, err := c.api.Certificate(c, c.app, found.Name)
	if err := c.ended(err); err != nil {
		return err
	}
	var hosts []string
	if c.is("show-domains") {
		c.begin("Fetching domains for %s", found.Name)
		for _, id := range found.Domains {
			d, err := c.api.Domain(c, c.app, id)
			if err != nil {
				return err
			}
			hosts = append(hosts, d.Hostname)
		}
		c.done("done")
	}
	c.certDetails("Certificate details:", s, hosts)
	return nil
}

func (c *call) certDetails(title string, s client.SNIEndpoint, hosts []string) {
	if renew := s.SSLCert.ExpiresAt.AddDate(0, -1, 0); s.SSLCert.ACM && renew.After(time.Now()) {
		c.println("Renewal scheduled for %s.\n", certTime(renew))
	}
	c.println("%s", title)
	c.object([]pair{
		{"Common Name(s)", s.SSLCert.CertDomains}, one("Expires At", certTime(s.SSLCert.ExpiresAt)),
		one("Issuer", s.SSLCert.Issuer), one("Starts At", certTime(s.SSLCert.StartsAt)), one("Subject", s.SSLCert.Subject), {"Domain(s)", hosts},
	})
	switch {
	case s.SSLCert.CASigned:
		c.println("SSL certificate is verified by a root authority.")
	case s.SSLCert.Issuer == s.SSLCert.Subject:
		c.println("SSL certificate is self signed.")
	default:
		c.println("SSL certificate is not trusted.")
	}
}

func certUpdate(c *call) error {
	found, err := c.certificate()
	if err != nil {
		return err
	}
	var text [2]string
	for i := range text {
		b, err := os.ReadFile(c.arg(i))
		if errors.Is(err, fs.ErrNotExist) {
			return sentence("ENOENT: no such file or directory, open '%s'\nCode: ENOENT", c.arg(i))
		}
		if err != nil {
			return sentence("Cannot read %s: name a PEM file that you may read", c.arg(i))
		}
		text[i] = string(b)
	}
	if err := c.confirm(c.app, "This command will change the certificate of endpoint "+found.Name+" from "+c.app+"."); err != nil {
		return err
	}
	c.begin("Updating SSL certificate %s for %s", found.Name, c.app)
	s, err := c.api.UpdateCertificate(c, c.app, found.Name, text[0], text[1])
	if err := c.ended(err); err != nil {
		return err
	}
	c.certDetails("Updated certificate details:", s, nil)
	return nil
}

func certRemove(c *call) error {
	found, err := c.certificate()
	if err != nil {
		return err
	}
	if err := c.confirm(c.app, "This command will remove the endpoint "+found.Name+" from "+c.app+"."); err != nil {
		return err
	}
	c.begin("Removing SSL certificate %s from %s", found.Name, c.app)
	_, err = c.api.RemoveCertificate(c, c.app, found.Name)
	return c.ended(err)
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
