package cli

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/term"

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

var certCommands = []command{
	{name: "certs", short: "list the certificates of an app", app: oneApp, login: true, run: certsList},
	{name: "certs:add", args: "CRT KEY", short: "add the certificate and key of two files, and serve the domains that it is for with it", app: oneApp, login: true, run: certAdd, flags: jsonFlag},
	{name: "certs:generate", args: "DOMAIN", short: "make a key, and a request for a certificate or a self-signed one, as files", app: oneApp, login: true, run: certGenerate, flags: func(fs *pflag.FlagSet) {
		fs.Bool("selfsigned", false, "a certificate instead of a request for one")
		fs.Bool("now", false, "ask nothing about the owner")
		fs.String("owner", "", "name of the owner")
		fs.String("country", "", "country of the owner, in two letters")
		fs.String("area", "", "state or province of the owner")
		fs.String("city", "", "city of the owner")
		fs.String("subject", "", "the whole subject, such as /O=Example/CN=www.example.com")
		fs.String("keysize", "", "bits of the RSA key; by default 2048")
	}},
	{name: "certs:info", short: "show a certificate", app: oneApp, login: true, run: certInfo, flags: func(fs *pflag.FlagSet) {
		certFlags(fs)
		fs.Bool("show-domains", false, "with the host names that are served with it")
	}},
	{name: "certs:remove", short: "remove a certificate", app: oneApp, login: true, run: certRemove, flags: certChangeFlags},
	{name: "certs:update", args: "CRT KEY", short: "replace a certificate by that of two files", app: oneApp, login: true, run: certUpdate, flags: certChangeFlags},
}

// certsList shows the certificates of an app.
func certsList(c *call) error {
	all, err := c.api.Certificates(c, c.app)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		c.println("%s has no SSL certificates.\nUse kigo certs:add CRT KEY to add one.", c.app)
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

// certFiles reads a certificate and its key, each PEM.
func (c *call) certFiles() (text [2]string, err error) {
	for i := range text {
		b, err := os.ReadFile(c.arg(i))
		if errors.Is(err, fs.ErrNotExist) {
			return text, sentence("ENOENT: no such file or directory, open '%s'\nCode: ENOENT", c.arg(i))
		}
		if err != nil {
			return text, sentence("Cannot read %s: name a PEM file that you may read", c.arg(i))
		}
		text[i] = string(b)
	}
	return text, nil
}

// certAdd uploads a certificate and serves the app's domains that it is for with it.
func certAdd(c *call) error {
	text, err := c.certFiles()
	if err != nil {
		return err
	}
	printJSON := c.onlyJSON()
	c.begin("Adding SSL certificate to %s", c.app)
	var s client.SNIEndpoint
	body := map[string]string{"certificate_chain": text[0], "private_key": text[1]}
	if err := c.ended(c.send("POST", body, &s, "apps", c.app, "sni-endpoints")); err != nil {
		return err
	}
	c.certDetails("Certificate details:", s, nil)
	c.begin("Waiting for stable domains to be created")
	domains, err := c.stableDomains()
	if err := c.ended(err); err != nil {
		return err
	}
	var hosts []string
	for _, d := range domains {
		if slices.ContainsFunc(s.SSLCert.CertDomains, func(name string) bool { return certCovers(name, d.Hostname) }) {
			hosts = append(hosts, d.Hostname)
		}
	}
	if len(hosts) == 0 {
		return printJSON(s)
	}
	chosen, err := c.chooseDomains(hosts)
	for _, h := range chosen {
		if err == nil {
			err = c.act("Serving "+h+" with "+s.Name, "PATCH", map[string]string{"sni_endpoint": s.Name}, "apps", c.app, "domains", h)
		}
	}
	if err != nil {
		return err
	}
	return printJSON(s)
}

// certCovers reports whether a certificate's name is that of a host; * stands for one label.
func certCovers(name, host string) bool {
	if rest, ok := strings.CutPrefix(name, "*."); ok {
		_, parent, found := strings.Cut(host, ".")
		return found && parent == rest || host == name
	}
	return name == host
}

// chooseDomains asks on a terminal which domains a certificate shall serve: a program gets all.
func (c *call) chooseDomains(hosts []string) ([]string, error) {
	f, ok := c.in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return hosts, nil
	}
	c.header("Almost done! Which of these domains on this application would you like this certificate associated with?")
	for _, h := range hosts {
		c.println("  %s", h)
	}
	answer, err := c.ask(bufio.NewReader(c.in), "Domains, divided by commas, or none", "", strings.Join(hosts, ","))
	if err != nil || answer == "none" {
		return nil, err
	}
	var chosen []string
	for h := range strings.SplitSeq(answer, ",") {
		if h = strings.TrimSpace(h); !slices.Contains(hosts, h) {
			return nil, sentence("%s is none of these domains: %s", h, strings.Join(hosts, ", "))
		}
		chosen = append(chosen, h)
	}
	return chosen, nil
}

// certGenerate makes a key, and a request for a certificate or a self-signed one, as files.
func certGenerate(c *call) error {
	domain := c.arg(0)
	if strings.ContainsAny(domain, "/\\") || domain == "" || domain[0] == '-' {
		return sentence("%s is not a host name.", domain)
	}
	subject, err := c.certSubject(domain)
	if err != nil {
		return err
	}
	certs, err := c.api.Certificates(c, c.app)
	if err != nil {
		return err
	}
	next := "add"
	if slices.ContainsFunc(certs, func(s client.SNIEndpoint) bool { return slices.Contains(s.SSLCert.CertDomains, domain) }) {
		next = "update"
	}
	size := cmp.Or(c.str("keysize"), "2048")
	if n, err := strconv.Atoi(size); err != nil || n < 2048 || n > 16384 {
		return sentence("--keysize %s is no size of an RSA key: say 2048 to 16384", size)
	}
	key, out := domain+".key", domain+".csr"
	args := []string{"req", "-new", "-newkey", "rsa:" + size, "-nodes", "-keyout", key, "-subj", subject, "-addext", "subjectAltName=DNS:" + domain}
	if c.is("selfsigned") {
		out = domain + ".crt"
		args = append(args, "-x509", "-days", "365")
	}
	cmd := exec.CommandContext(c, "openssl", append(args, "-out", out)...)
	cmd.Stdout, cmd.Stderr = c.out, c.err
	if err := cmd.Run(); errors.Is(err, exec.ErrNotFound) {
		return sentence("There is no openssl on this machine: install it.")
	} else if err != nil {
		return sentence("Non zero openssl error %v", err)
	}
	if c.is("selfsigned") {
		fmt.Fprintf(c.err, "Your key and self-signed certificate have been generated.\nNext, run:\n$ kigo certs:%s %s %s\n", next, out, key)
		return nil
	}
	fmt.Fprintf(c.err, "Your key and certificate signing request have been generated.\nSubmit the CSR in '%s' to your preferred certificate authority.\nWhen you've received your certificate, run:\n$ kigo certs:%s CERTFILE %s\n", out, next, key)
	return nil
}

// certSubject is --subject, or is made of the flags about the owner, which are asked for
// when none is given and nobody said --now.
func (c *call) certSubject(domain string) (string, error) {
	if s := c.str("subject"); s != "" {
		return s, nil
	}
	parts := []struct{ flag, question, short string }{
		{"country", "Country of owner (two-letter ISO code)", "C"}, {"area", "State/province/etc. of owner", "ST"},
		{"city", "City of owner", "L"}, {"owner", "Owner of this certificate", "O"},
	}
	ask := !c.is("now")
	for _, p := range parts {
		ask = ask && c.str(p.flag) == ""
	}
	in := bufio.NewReader(c.in)
	var b strings.Builder
	for _, p := range parts {
		v := c.str(p.flag)
		if ask {
			fmt.Fprintf(c.err, "%s: ", p.question)
			line, err := in.ReadString('\n')
			if err != nil && line == "" {
				return "", sentence("Say --now to leave the owner out, or --owner, --country, --area, --city or --subject.")
			}
			v = strings.TrimSpace(line)
		}
		if v != "" {
			b.WriteString("/" + p.short + "=" + strings.ReplaceAll(v, "/", `\/`))
		}
	}
	return b.String() + "/CN=" + domain, nil
}

func certUpdate(c *call) error {
	found, err := c.certificate()
	if err != nil {
		return err
	}
	text, err := c.certFiles()
	if err != nil {
		return err
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
