package client

import (
	"context"
	"time"
)

// LogInput lets somebody outside write into an app's log. Token and URL are there
// only in the answer that makes it.
type LogInput struct {
	App       Ref       `json:"app"`
	CreatedAt time.Time `json:"created_at"`
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Token     string    `json:"token,omitempty"`
	URL       string    `json:"url,omitempty"`
}

// LogRetention is how much of an app's log is kept; Age in seconds, 0: however old.
type LogRetention struct {
	Lines int   `json:"lines"`
	Bytes int64 `json:"bytes"`
	Age   int   `json:"age"`
}

// LogRetentionChange is what to change of it; nil leaves as it is.
type LogRetentionChange struct {
	Lines *int   `json:"lines,omitempty"`
	Bytes *int64 `json:"bytes,omitempty"`
	Age   *int   `json:"age,omitempty"`
}

// LogInputs lists who else may write into an app's log.
func (c *Client) LogInputs(ctx context.Context, app string) ([]LogInput, error) {
	return get[[]LogInput](ctx, c, path("apps", app, "log-inputs"))
}

// AddLogInput makes an input and its token.
func (c *Client) AddLogInput(ctx context.Context, app, name string) (LogInput, error) {
	return post[LogInput](ctx, c, path("apps", app, "log-inputs"), map[string]string{"name": name})
}

// RemoveLogInput ends an input, named by its name or id.
func (c *Client) RemoveLogInput(ctx context.Context, app, which string) (LogInput, error) {
	var in LogInput
	err := c.Do(ctx, "DELETE", path("apps", app, "log-inputs", which), nil, &in)
	return in, err
}

// LogRetention tells how much of an app's log is kept.
func (c *Client) LogRetention(ctx context.Context, app string) (LogRetention, error) {
	return get[LogRetention](ctx, c, path("apps", app, "log-retention"))
}

// SetLogRetention changes that.
func (c *Client) SetLogRetention(ctx context.Context, app string, change LogRetentionChange) (LogRetention, error) {
	var r LogRetention
	err := c.Do(ctx, "PATCH", path("apps", app, "log-retention"), change, &r)
	return r, err
}

// LogSession is a capability to read an app's log.
type LogSession struct {
	CreatedAt  time.Time `json:"created_at"`
	ID         string    `json:"id"`
	LogplexURL string    `json:"logplex_url"`
	UpdatedAt  time.Time `json:"updated_at"`
}
