package client

import (
	"context"
	"time"
)

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

// ReleaseRef names a release.
type ReleaseRef struct {
	ID      string `json:"id"`
	Version int    `json:"version"`
}

// Artifact is what a release runs.
type Artifact struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

// Release is code and config numbered together.
type Release struct {
	AddonPlanNames      []string   `json:"addon_plan_names"`
	App                 Ref        `json:"app"`
	Artifacts           []Artifact `json:"artifacts"`
	CreatedAt           time.Time  `json:"created_at"`
	Current             bool       `json:"current"`
	Description         string     `json:"description"`
	EligibleForRollback bool       `json:"eligible_for_rollback"`
	ID                  string     `json:"id"`
	OutputStreamURL     *string    `json:"output_stream_url"`
	Slug                *IDRef     `json:"slug"`
	Status              string     `json:"status"`
	UpdatedAt           time.Time  `json:"updated_at"`
	User                UserRef    `json:"user"`
	Version             int        `json:"version"`
}
