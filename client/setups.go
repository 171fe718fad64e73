package client

import (
	"context"
	"time"
)

// AppSetup is an app being made as its app.json says.
type AppSetup struct {
	App                Ref         `json:"app"`
	Build              *SetupBuild `json:"build"`
	CreatedAt          time.Time   `json:"created_at"`
	FailureMessage     *string     `json:"failure_message"`
	ID                 string      `json:"id"`
	ManifestErrors     []string    `json:"manifest_errors"`
	Postdeploy         *Postdeploy `json:"postdeploy"`
	ResolvedSuccessURL *string     `json:"resolved_success_url"`
	Status             string      `json:"status"` // pending, succeeded, failed
	UpdatedAt          time.Time   `json:"updated_at"`
}

// SetupBuild is the build of a set-up.
type SetupBuild struct {
	ID              string `json:"id"`
	OutputStreamURL string `json:"output_stream_url"`
	Status          string `json:"status"`
}

// Postdeploy is how the script after the first release ended.
type Postdeploy struct {
	ExitCode int    `json:"exit_code"`
	Output   string `json:"output"`
}

// NewAppSetup describes an app to set up. App may be nil.
type NewAppSetup struct {
	App        *NewSetupApp   `json:"app,omitempty"`
	SourceBlob NewSourceBlob  `json:"source_blob"`
	Overrides  SetupOverrides `json:"overrides"`
}

// NewSetupApp says how the app shall be called.
type NewSetupApp struct {
	Name  string `json:"name,omitempty"`
	Stack string `json:"stack,omitempty"`
}

// SetupOverrides go before what app.json says.
type SetupOverrides struct {
	Buildpacks []Buildpack       `json:"buildpacks,omitempty"`
	Env        map[string]string `json:"env,omitempty"`
}

// CreateAppSetup begins to set up an app.
func (c *Client) CreateAppSetup(ctx context.Context, n NewAppSetup) (AppSetup, error) {
	return post[AppSetup](ctx, c, "/app-setups", n)
}

// AppSetup returns how far a set-up has come.
func (c *Client) AppSetup(ctx context.Context, id string) (AppSetup, error) {
	return get[AppSetup](ctx, c, path("app-setups", id))
}
