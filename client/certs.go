package client

import (
	"context"
	"time"
)

// Certificates lists the certificates of an app.
func (c *Client) Certificates(ctx context.Context, app string) ([]SNIEndpoint, error) {
	return list[SNIEndpoint](ctx, c, path("apps", app, "sni-endpoints"), ListOptions{})
}

// Certificate returns one by name or id.
func (c *Client) Certificate(ctx context.Context, app, name string) (SNIEndpoint, error) {
	return get[SNIEndpoint](ctx, c, path("apps", app, "sni-endpoints", name))
}

// UpdateCertificate replaces a certificate and its key, both PEM.
func (c *Client) UpdateCertificate(ctx context.Context, app, name, chain, key string) (SNIEndpoint, error) {
	body := map[string]string{"certificate_chain": chain, "private_key": key}
	return patch[SNIEndpoint](ctx, c, path("apps", app, "sni-endpoints", name), body)
}

// RemoveCertificate removes one by name or id.
func (c *Client) RemoveCertificate(ctx context.Context, app, name string) (SNIEndpoint, error) {
	return remove[SNIEndpoint](ctx, c, path("apps", app, "sni-endpoints", name))
}

// DisableACM ends automatic certificates of an app.
func (c *Client) DisableACM(ctx context.Context, app string) error {
	return c.Do(ctx, "DELETE", path("apps", app, "acm"), nil, nil)
}

// RefreshACM tries again to get automatic certificates of an app.
func (c *Client) RefreshACM(ctx context.Context, app string) error {
	return c.Do(ctx, "PATCH", path("apps", app, "acm"), map[string]bool{"acm_refresh": true}, nil)
}

// RemoveDomain removes a host name from an app.
func (c *Client) RemoveDomain(ctx context.Context, app, hostname string) error {
	return c.Do(ctx, "DELETE", path("apps", app, "domains", hostname), nil, nil)
}

// SSLCert is what a certificate says of itself.
type SSLCert struct {
	ACM         bool      `json:"acm"`
	CASigned    bool      `json:"ca_signed?"`
	CertDomains []string  `json:"cert_domains"`
	ExpiresAt   time.Time `json:"expires_at"`
	ID          string    `json:"id"`
	Issuer      string    `json:"issuer"`
	SelfSigned  bool      `json:"self_signed?"`
	StartsAt    time.Time `json:"starts_at"`
	Subject     string    `json:"subject"`
}

// SNIEndpoint is a certificate that domains are served with.
type SNIEndpoint struct {
	App              Ref       `json:"app"`
	CertificateChain string    `json:"certificate_chain"`
	CreatedAt        time.Time `json:"created_at"`
	DisplayName      *string   `json:"display_name"`
	Domains          []string  `json:"domains"`
	ID               string    `json:"id"`
	Name             string    `json:"name"`
	SSLCert          SSLCert   `json:"ssl_cert"`
	UpdatedAt        time.Time `json:"updated_at"`
}
