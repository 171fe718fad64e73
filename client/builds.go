package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// NewBuild describes a build to start.
type NewBuild struct {
	Buildpacks []Buildpack   `json:"buildpacks,omitempty"`
	SourceBlob NewSourceBlob `json:"source_blob"`
}

// NewSourceBlob says where a build's source is: a URL, usually Source.GetURL.
type NewSourceBlob struct {
	URL                string `json:"url"`
	Checksum           string `json:"checksum,omitempty"` // "SHA256:…"
	Version            string `json:"version,omitempty"`
	VersionDescription string `json:"version_description,omitempty"`
}

// Builds lists an app's builds, oldest first unless o says otherwise.
func (c *Client) Builds(ctx context.Context, app string, o ListOptions) ([]Build, error) {
	if o.By == "" {
		o.By = "created_at"
	}
	return list[Build](ctx, c, path("apps", app, "builds"), o)
}

// Build returns one build.
func (c *Client) Build(ctx context.Context, app, build string) (Build, error) {
	return get[Build](ctx, c, path("apps", app, "builds", build))
}

// BuildResult returns a build's status with its output so far.
func (c *Client) BuildResult(ctx context.Context, app, build string) (BuildResult, error) {
	return get[BuildResult](ctx, c, path("apps", app, "builds", build, "result"))
}

// CreateBuild starts a build.
func (c *Client) CreateBuild(ctx context.Context, app string, n NewBuild) (Build, error) {
	return post[Build](ctx, c, path("apps", app, "builds"), n)
}

// CancelBuild stops a build that runs.
func (c *Client) CancelBuild(ctx context.Context, app, build string) (Build, error) {
	return remove[Build](ctx, c, path("apps", app, "builds", build))
}

// PurgeBuildCache makes the next build start without a cache.
func (c *Client) PurgeBuildCache(ctx context.Context, app string) error {
	return c.Do(ctx, "DELETE", path("apps", app, "build-cache"), nil, nil)
}

// CreateSource makes a place to upload a source tarball to.
func (c *Client) CreateSource(ctx context.Context) (Source, error) {
	return post[Source](ctx, c, "/sources", nil)
}

// Upload stores size bytes of r (-1: unknown) at a put address that the server gave.
func (c *Client) Upload(ctx context.Context, putURL string, r io.Reader, size int64) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, putURL, r)
	if err != nil {
		return fmt.Errorf("make upload: %w", err)
	}
	req.ContentLength = size
	resp, err := c.http().Do(req)
	if err != nil {
		return fmt.Errorf("upload: %w", err)
	}
	defer resp.Body.Close()
	data, _ := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if resp.StatusCode >= 300 {
		return decodeError(resp, data)
	}
	return nil
}

// BuildpackInstallations lists an app's buildpacks in order.
func (c *Client) BuildpackInstallations(ctx context.Context, app string) ([]BuildpackInstallation, error) {
	return get[[]BuildpackInstallation](ctx, c, path("apps", app, "buildpack-installations"))
}

// SetBuildpacks replaces an app's buildpacks by these names or URLs.
func (c *Client) SetBuildpacks(ctx context.Context, app string, buildpacks []string) ([]BuildpackInstallation, error) {
	updates := make([]map[string]string, len(buildpacks))
	for i, b := range buildpacks {
		updates[i] = map[string]string{"buildpack": b}
	}
	return send[[]BuildpackInstallation](ctx, c, request{
		method: http.MethodPut, path: path("apps", app, "buildpack-installations"), body: map[string]any{"updates": updates},
	})
}

// NewSlug describes a slug to upload.
type NewSlug struct {
	BuildpackProvidedDescription string            `json:"buildpack_provided_description,omitempty"`
	Checksum                     string            `json:"checksum,omitempty"`
	Commit                       string            `json:"commit,omitempty"`
	CommitDescription            string            `json:"commit_description,omitempty"`
	ProcessTypes                 map[string]string `json:"process_types"`
	Stack                        string            `json:"stack,omitempty"`
}

// CreateSlug makes a slug whose Blob says where to put its tarball.
func (c *Client) CreateSlug(ctx context.Context, app string, n NewSlug) (Slug, error) {
	return post[Slug](ctx, c, path("apps", app, "slugs"), n)
}

// Slug returns one slug.
func (c *Client) Slug(ctx context.Context, app, slug string) (Slug, error) {
	return get[Slug](ctx, c, path("apps", app, "slugs", slug))
}

// Stacks lists the base systems.
func (c *Client) Stacks(ctx context.Context) ([]Stack, error) {
	return list[Stack](ctx, c, "/stacks", ListOptions{})
}

// Regions lists the places where apps run.
func (c *Client) Regions(ctx context.Context) ([]Region, error) {
	return list[Region](ctx, c, "/regions", ListOptions{})
}

// SourceBlob is what a build starts from.
type SourceBlob struct {
	Checksum           *string `json:"checksum"`
	URL                string  `json:"url"`
	Version            *string `json:"version"`
	VersionDescription *string `json:"version_description"`
}

// Build is one run of an app's buildpacks.
type Build struct {
	App             IDRef       `json:"app"`
	Buildpacks      []Buildpack `json:"buildpacks"`
	CreatedAt       time.Time   `json:"created_at"`
	Generation      string      `json:"generation"` // a string here, unlike app's
	ID              string      `json:"id"`
	OutputStreamURL string      `json:"output_stream_url"`
	Release         *IDRef      `json:"release"`
	Slug            *IDRef      `json:"slug"`
	SourceBlob      SourceBlob  `json:"source_blob"`
	Stack           string      `json:"stack"`
	Status          string      `json:"status"`
	UpdatedAt       time.Time   `json:"updated_at"`
	User            UserRef     `json:"user"`
}

// Source is where a build's source is uploaded and then fetched from.
type Source struct {
	SourceBlob struct {
		GetURL string `json:"get_url"`
		PutURL string `json:"put_url"`
	} `json:"source_blob"`
}

// BuildLine is a chunk of a build's output in the result of a build.
type BuildLine struct {
	Line   string `json:"line"`
	Stream string `json:"stream"`
}

// BuildResult is the end of a build with all of its output.
type BuildResult struct {
	Build struct {
		ID     string `json:"id"`
		Status string `json:"status"`
	} `json:"build"`
	ExitCode *float64    `json:"exit_code"`
	Lines    []BuildLine `json:"lines"`
}
