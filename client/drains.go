package client

import (
	"context"
	"time"
)

// Drain is a place outside to which an app's log lines go. Credentials in its
// URL are masked.
type Drain struct {
	Addon     *Ref           `json:"addon"`
	App       Ref            `json:"app"`
	CreatedAt time.Time      `json:"created_at"`
	Extended  *DrainExtended `json:"extended,omitempty"` // when it was asked for
	ID        string         `json:"id"`
	Token     string         `json:"token"`
	UpdatedAt time.Time      `json:"updated_at"`
	URL       string         `json:"url"`
}

// DrainExtended is what `drains -x` shows besides.
type DrainExtended struct {
	DrainID string `json:"drain_id"`
}

// Drains returns an app's drains, with extended also what an operator may ask for.
func (c *Client) Drains(ctx context.Context, app string, extended bool) ([]Drain, error) {
	p := path("apps", app, "log-drains")
	if extended {
		p += "?extended=true"
	}
	return get[[]Drain](ctx, c, p)
}

// AddDrain sends an app's log lines to a URL.
func (c *Client) AddDrain(ctx context.Context, app, url string) (Drain, error) {
	return post[Drain](ctx, c, path("apps", app, "log-drains"), map[string]string{"url": url})
}

// RemoveDrain ends a drain, named by its URL, token or id.
func (c *Client) RemoveDrain(ctx context.Context, app, which string) (Drain, error) {
	var d Drain
	err := c.Do(ctx, "DELETE", path("apps", app, "log-drains", which), nil, &d)
	return d, err
}
