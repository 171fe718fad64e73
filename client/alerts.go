package client

import (
	"context"
	"time"
)

// Alert tells somebody when a metric of an app is above a threshold. Secret, which
// signs what the webhook gets, is there only in the answer that makes it.
type Alert struct {
	App         Ref        `json:"app"`
	ID          string     `json:"id"`
	Name        string     `json:"name"`
	Metric      string     `json:"metric"`
	Unit        string     `json:"unit"`
	Process     *string    `json:"process"`
	Above       float64    `json:"above"`
	Clear       float64    `json:"clear"`
	For         string     `json:"for"`
	Remind      *string    `json:"remind"`
	Emails      []string   `json:"emails"`
	Webhook     *string    `json:"webhook"` // without what may be a credential
	Secret      *string    `json:"secret,omitempty"`
	State       string     `json:"state"` // ok or firing
	Since       *time.Time `json:"since"`
	Value       *float64   `json:"value"`       // last seen; nil: nothing was measured
	Undelivered int        `json:"undelivered"` // messages that wait
	Failure     *string    `json:"failure"`     // why
	CreatedAt   time.Time  `json:"created_at"`
	UpdatedAt   time.Time  `json:"updated_at"`
}

// NewAlert is what to watch, and whom to tell.
type NewAlert struct {
	Name    string   `json:"name,omitempty"`
	Metric  string   `json:"metric"`
	Process string   `json:"process,omitempty"`
	Above   float64  `json:"above"`
	Clear   *float64 `json:"clear,omitempty"`
	For     string   `json:"for,omitempty"`
	Remind  string   `json:"remind,omitempty"`
	Emails  []string `json:"emails,omitempty"`
	Webhook string   `json:"webhook,omitempty"`
}

// Alerts lists an app's alerts and where each stands.
func (c *Client) Alerts(ctx context.Context, app string) ([]Alert, error) {
	return get[[]Alert](ctx, c, path("apps", app, "alerts"))
}

// AddAlert watches a metric.
func (c *Client) AddAlert(ctx context.Context, app string, n NewAlert) (Alert, error) {
	return post[Alert](ctx, c, path("apps", app, "alerts"), n)
}

// RemoveAlert ends an alert, named by its name or id.
func (c *Client) RemoveAlert(ctx context.Context, app, which string) (Alert, error) {
	var a Alert
	err := c.Do(ctx, "DELETE", path("apps", app, "alerts", which), nil, &a)
	return a, err
}
