package client

import (
	"context"
	"time"
)

// NewApp describes an app to create; every field may be empty.
type NewApp struct {
	Name   string `json:"name,omitempty"`
	Region string `json:"region,omitempty"`
	Stack  string `json:"stack,omitempty"`
}

// AppChange is a change of an app; nil fields stay.
type AppChange struct {
	Name        *string `json:"name,omitempty"`
	Maintenance *bool   `json:"maintenance,omitempty"`
	BuildStack  *string `json:"build_stack,omitempty"`
}

// Apps lists every app that the account may see.
func (c *Client) Apps(ctx context.Context) ([]App, error) {
	return list[App](ctx, c, "/apps", ListOptions{})
}

// App returns one app by name or id.
func (c *Client) App(ctx context.Context, app string) (App, error) {
	return get[App](ctx, c, path("apps", app))
}

// CreateApp makes an app.
func (c *Client) CreateApp(ctx context.Context, n NewApp) (App, error) {
	return post[App](ctx, c, "/apps", n)
}

// CreateTeamApp makes an app that belongs to a team.
func (c *Client) CreateTeamApp(ctx context.Context, team string, n NewApp) (App, error) {
	return post[App](ctx, c, "/teams/apps", struct {
		NewApp
		Team string `json:"team"`
	}{n, team})
}

// UpdateApp changes an app.
func (c *Client) UpdateApp(ctx context.Context, app string, change AppChange) (App, error) {
	return patch[App](ctx, c, path("apps", app), change)
}

// DestroyApp removes an app and all it has.
func (c *Client) DestroyApp(ctx context.Context, app string) (App, error) {
	return remove[App](ctx, c, path("apps", app))
}

// Collaborators lists who may work on an app.
func (c *Client) Collaborators(ctx context.Context, app string) ([]Collaborator, error) {
	return list[Collaborator](ctx, c, path("apps", app, "collaborators"), ListOptions{})
}

// Domains lists the host names that lead to an app.
func (c *Client) Domains(ctx context.Context, app string) ([]Domain, error) {
	return list[Domain](ctx, c, path("apps", app, "domains"), ListOptions{})
}

// Domain returns one by host name or id.
func (c *Client) Domain(ctx context.Context, app, domain string) (Domain, error) {
	return get[Domain](ctx, c, path("apps", app, "domains", domain))
}

// AppFeatures lists the switches of an app.
func (c *Client) AppFeatures(ctx context.Context, app string) ([]Feature, error) {
	return list[Feature](ctx, c, path("apps", app, "features"), ListOptions{})
}

// AppFeature returns one switch of an app.
func (c *Client) AppFeature(ctx context.Context, app, feature string) (Feature, error) {
	return get[Feature](ctx, c, path("apps", app, "features", feature))
}

// SetAppFeature turns a switch of an app on or off.
func (c *Client) SetAppFeature(ctx context.Context, app, feature string, enabled bool) (Feature, error) {
	return patch[Feature](ctx, c, path("apps", app, "features", feature), map[string]bool{"enabled": enabled})
}

// Addons lists the add-ons of an app.
func (c *Client) Addons(ctx context.Context, app string) ([]Addon, error) {
	return list[Addon](ctx, c, path("apps", app, "addons"), ListOptions{})
}

// PipelineCoupling is the app's place in a pipeline; not found when it is in none.
func (c *Client) PipelineCoupling(ctx context.Context, app string) (PipelineCoupling, error) {
	return get[PipelineCoupling](ctx, c, path("apps", app, "pipeline-couplings"))
}

// App is an app as apps:info shows it.
type App struct {
	ACM                          bool       `json:"acm"`
	ArchivedAt                   *time.Time `json:"archived_at"`
	BuildStack                   Ref        `json:"build_stack"`
	BuildpackProvidedDescription *string    `json:"buildpack_provided_description"`
	CreateStatus                 string     `json:"create_status,omitempty"` // in no schema; the command line reads it
	ProcessTier                  string     `json:"process_tier,omitempty"`  // the same, of one app alone
	CreatedAt                    time.Time  `json:"created_at"`
	Generation                   Ref        `json:"generation"` // an object in v3; heroku-go decodes nothing else
	GitURL                       string     `json:"git_url"`
	ID                           string     `json:"id"`
	InternalRouting              *bool      `json:"internal_routing"`
	Maintenance                  bool       `json:"maintenance"`
	Name                         string     `json:"name"`
	Organization                 *Ref       `json:"organization"`
	Owner                        UserRef    `json:"owner"`
	Region                       Ref        `json:"region"`
	ReleasedAt                   *time.Time `json:"released_at"`
	RepoSize                     *int64     `json:"repo_size"`
	SlugSize                     *int64     `json:"slug_size"`
	Space                        *Ref       `json:"space"`
	Stack                        Ref        `json:"stack"`
	Team                         *Ref       `json:"team"`
	UpdatedAt                    time.Time  `json:"updated_at"`
	WebURL                       string     `json:"web_url"`
}

// AppTransfer is an offer of an app to another account.
type AppTransfer struct {
	App       Ref       `json:"app"`
	CreatedAt time.Time `json:"created_at"`
	ID        string    `json:"id"`
	Owner     UserRef   `json:"owner"`
	Recipient UserRef   `json:"recipient"`
	State     string    `json:"state"`
	UpdatedAt time.Time `json:"updated_at"`
}
