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

// UsageSum is what was used in a day or a month: dynos that were up on average. There is
// nothing else that is used here; the other figures are for clients that expect them.
type UsageSum struct {
	AddOns  float64  `json:"addons"`
	Connect *float64 `json:"connect,omitempty"` // by month only
	Data    float64  `json:"data"`
	Dynos   float64  `json:"dynos"`
	Partner float64  `json:"partner"`
	Space   float64  `json:"space"`
}

// AppUsage is what one app of a team used.
type AppUsage struct {
	AddOns  float64 `json:"addons"`
	AppName string  `json:"app_name"`
	Data    float64 `json:"data"`
	Dynos   float64 `json:"dynos"`
	Partner float64 `json:"partner"`
}

// TeamUsage is what the apps of a team used on a day or in a month.
type TeamUsage struct {
	UsageSum
	Apps  []AppUsage `json:"apps"`
	Date  string     `json:"date,omitempty"`
	ID    string     `json:"id"`
	Month string     `json:"month,omitempty"`
	Name  string     `json:"name"`
}

// EnterpriseUsage is what the teams of an enterprise account used on a day or in a month.
type EnterpriseUsage struct {
	UsageSum
	Date  string      `json:"date,omitempty"`
	ID    string      `json:"id"`
	Month string      `json:"month,omitempty"`
	Name  string      `json:"name"`
	Teams []TeamUsage `json:"teams"`
}
