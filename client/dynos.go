package client

import (
	"context"
	"time"
)

// NewDyno describes a one-off dyno.
type NewDyno struct {
	Attach     bool              `json:"attach"`
	Command    string            `json:"command"`
	Env        map[string]string `json:"env,omitempty"`
	ForceNoTTY bool              `json:"force_no_tty,omitempty"`
	Size       string            `json:"size,omitempty"`
	Type       string            `json:"type,omitempty"`
	TimeToLive int               `json:"time_to_live,omitempty"` // seconds
}

// FormationChange is a change of one process type; nil and empty fields stay.
type FormationChange struct {
	Type     string `json:"type"`
	Quantity *int   `json:"quantity,omitempty"`
	Size     string `json:"size,omitempty"`
}

// Dynos lists an app's dynos.
func (c *Client) Dynos(ctx context.Context, app string) ([]Dyno, error) {
	return list[Dyno](ctx, c, path("apps", app, "dynos"), ListOptions{})
}

// Dyno returns one dyno by name or id.
func (c *Client) Dyno(ctx context.Context, app, dyno string) (Dyno, error) {
	return get[Dyno](ctx, c, path("apps", app, "dynos", dyno))
}

// RunDyno starts a one-off dyno. With Attach, AttachURL is where its terminal is.
func (c *Client) RunDyno(ctx context.Context, app string, n NewDyno) (Dyno, error) {
	return post[Dyno](ctx, c, path("apps", app, "dynos"), n)
}

// RestartDynos restarts every dyno of an app.
func (c *Client) RestartDynos(ctx context.Context, app string) error {
	return c.Do(ctx, "DELETE", path("apps", app, "dynos"), nil, nil)
}

// RestartDyno restarts one dyno, by name or id.
func (c *Client) RestartDyno(ctx context.Context, app, dyno string) error {
	return c.Do(ctx, "DELETE", path("apps", app, "dynos", dyno), nil, nil)
}

// RestartType restarts the dynos of a process type.
func (c *Client) RestartType(ctx context.Context, app, typ string) error {
	return c.Do(ctx, "DELETE", path("apps", app, "formations", typ), nil, nil)
}

// StopDyno stops one dyno; a dyno of the formation is replaced.
func (c *Client) StopDyno(ctx context.Context, app, dyno string) error {
	return c.Do(ctx, "POST", path("apps", app, "dynos", dyno, "actions", "stop"), nil, nil)
}

// StopType stops the dynos of a process type.
func (c *Client) StopType(ctx context.Context, app, typ string) error {
	return c.Do(ctx, "POST", path("apps", app, "formations", typ, "actions", "stop"), nil, nil)
}

// Formation lists an app's process types.
func (c *Client) Formation(ctx context.Context, app string) ([]Formation, error) {
	return list[Formation](ctx, c, path("apps", app, "formation"), ListOptions{})
}

// Scale changes several process types at once and returns those changed.
func (c *Client) Scale(ctx context.Context, app string, changes []FormationChange) ([]Formation, error) {
	return patch[[]Formation](ctx, c, path("apps", app, "formation"), map[string]any{"updates": changes})
}

// DynoSizes lists the sizes that a dyno may have.
func (c *Client) DynoSizes(ctx context.Context) ([]DynoSize, error) {
	return list[DynoSize](ctx, c, "/dyno-sizes", ListOptions{})
}

// Dyno is one running process.
type Dyno struct {
	App       Ref        `json:"app"`
	AttachURL *string    `json:"attach_url"`
	Command   string     `json:"command"`
	CreatedAt time.Time  `json:"created_at"`
	Extended  *DynoMore  `json:"extended,omitempty"`
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Release   ReleaseRef `json:"release"`
	Size      string     `json:"size"`
	State     string     `json:"state"`
	Type      string     `json:"type"`
	UpdatedAt time.Time  `json:"updated_at"`
}

// DynoMore is what Heroku's shape of a dyno has no place for.
type DynoMore struct {
	Reason string `json:"reason"` // why it is not up
}
