package client

import "context"

// Releases lists an app's releases, oldest first unless o says otherwise.
func (c *Client) Releases(ctx context.Context, app string, o ListOptions) ([]Release, error) {
	if o.By == "" {
		o.By = "version"
	}
	return list[Release](ctx, c, path("apps", app, "releases"), o)
}

// Release returns one by "v12", "12" or id.
func (c *Client) Release(ctx context.Context, app, release string) (Release, error) {
	return get[Release](ctx, c, path("apps", app, "releases", release))
}

// CreateRelease releases a slug.
func (c *Client) CreateRelease(ctx context.Context, app, slug, description string) (Release, error) {
	body := map[string]string{"slug": slug}
	if description != "" {
		body["description"] = description
	}
	return post[Release](ctx, c, path("apps", app, "releases"), body)
}

// Rollback makes a new release of an old one's slug and config vars.
func (c *Client) Rollback(ctx context.Context, app, release string) (Release, error) {
	return post[Release](ctx, c, path("apps", app, "releases"), map[string]string{"release": release})
}
