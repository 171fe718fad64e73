package client

import (
	"context"
	"net/url"
)

// Usage is how long an app's dynos of one type and size were up in a month.
type Usage struct {
	App     Ref     `json:"app"`
	Month   string  `json:"month"`
	Type    string  `json:"type"`
	Size    string  `json:"size"`
	Seconds float64 `json:"seconds"`
}

// Usage lists what your apps used in a month, such as "2026-11"; empty: in every month that is kept.
func (c *Client) Usage(ctx context.Context, month string) ([]Usage, error) {
	return get[[]Usage](ctx, c, "/kigo/usage?month="+url.QueryEscape(month))
}
