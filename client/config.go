package client

import (
	"context"
	"time"
)

// ConfigVars returns an app's config vars.
func (c *Client) ConfigVars(ctx context.Context, app string) (map[string]string, error) {
	return get[map[string]string](ctx, c, path("apps", app, "config-vars"))
}

// SetConfigVars changes config vars; a nil value removes one. It returns all.
func (c *Client) SetConfigVars(ctx context.Context, app string, vars map[string]*string) (map[string]string, error) {
	return patch[map[string]string](ctx, c, path("apps", app, "config-vars"), vars)
}

// ReleaseConfigVars returns the config vars of one release.
func (c *Client) ReleaseConfigVars(ctx context.Context, app, release string) (map[string]string, error) {
	return get[map[string]string](ctx, c, path("apps", app, "releases", release, "config-vars"))
}

// ConfigVarSetting is a config var, and since when it has its value, when that is known.
type ConfigVarSetting struct {
	Attachment       *IDRef     `json:"attachment"`
	Key              string     `json:"key"`
	Masked           bool       `json:"masked"`
	MaskingSupported bool       `json:"masking_supported"`
	Value            string     `json:"value"`
	ValueUpdatedAt   *time.Time `json:"value_updated_at,omitempty"`
}
