package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"

	smtp "github.com/wneessen/go-mail"
)

// Mailer sends letters by an operator's mail server.
type Mailer struct {
	host, user, password string
	port                 int
	implicit             bool // TLS from the first byte
	from                 string
	tls                  *tls.Config
}

const timeout = 30 * time.Second

// New reads an address such as smtp://user:password@mail.example.com:587
// (STARTTLS, asked for unless the server is this machine) or
// smtps://mail.example.com:465.
func New(address, from string) (*Mailer, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "" {
		return nil, errors.New("the mail server should look like smtp://user:password@mail.example.com:587 or smtps://mail.example.com:465")
	}
	m := &Mailer{host: u.Hostname(), port: 587, implicit: u.Scheme == "smtps", from: from, tls: &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}}
	if m.implicit {
		m.port = 465
	}
	if u.Port() != "" {
		if m.port, err = strconv.Atoi(u.Port()); err != nil {
			return nil, fmt.Errorf("the mail server's port %q is no number", u.Port())
		}
	}
	m.user = u.User.Username()
	m.password, _ = u.User.Password()
	if err := smtp.NewMsg().From(from); err != nil {
		return nil, fmt.Errorf("letters cannot be from %q: %w", from, err)
	}
	return m, nil
}

// errAddress says that a letter cannot be sent to anybody.
var errAddress = errors.New("address letter")

// Send sends one letter.
func (m *Mailer) Send(ctx context.Context, to []string, subject, text string) error {
	letter := smtp.NewMsg()
	if err := errors.Join(letter.From(m.from), letter.To(to...)); err != nil {
		return fmt.Errorf("%w: %w", errAddress, err)
	}
	letter.Subject(subject)
	letter.SetBodyString(smtp.TypeTextPlain, text)
	policy := smtp.TLSMandatory
	if ip := net.ParseIP(m.host); m.host == "localhost" || ip != nil && ip.IsLoopback() {
		policy = smtp.TLSOpportunistic
	}
	options := []smtp.Option{smtp.WithPort(m.port), smtp.WithTimeout(timeout), smtp.WithTLSPolicy(policy), smtp.WithTLSConfig(m.tls)}
	if m.implicit {
		options = append(options, smtp.WithSSL())
	}
	if m.user != "" {
		options = append(options, smtp.WithSMTPAuth(smtp.SMTPAuthAutoDiscover), smtp.WithUsername(m.user), smtp.WithPassword(m.password))
	}
	client, err := smtp.NewClient(m.host, options...)
	if err != nil {
		return fmt.Errorf("make mail client: %w", err)
	}
	if err := client.DialWithContext(ctx); err != nil {
		return fmt.Errorf("send letter by %s: %w", m.host, err)
	}
	defer func() { _ = client.Close() }() // the letter is taken, whatever becomes of the goodbye
	if err := client.Send(letter); err != nil {
		return fmt.Errorf("send letter by %s: %w", m.host, err)
	}
	return nil
}
