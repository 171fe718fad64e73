package client

import "context"

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
