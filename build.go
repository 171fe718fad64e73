package kigo

import "time"

// BuildID is a build's uuid.
type BuildID string

// BuildStatus is where a build stands.
type BuildStatus string

const (
	BuildPending   BuildStatus = "pending"
	BuildSucceeded BuildStatus = "succeeded"
	BuildFailed    BuildStatus = "failed"
)

// Build turns one source into a slug and a release.
type Build struct {
	ID         BuildID
	App        AppID
	User       AccountID
	UserEmail  string
	Status     BuildStatus
	Stack      string
	Buildpacks []string    // URLs or names as the app had them; empty: detected
	Resolved   []Buildpack // what took part, in order; set when it succeeded
	Source     Source
	Slug       SlugID    // set when it succeeded
	Release    ReleaseID // set when it succeeded
	Output     string    // key of its output stream
	Failure    string    // one line for the log, set when it failed
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// Source is what a build starts from: a blob that we hold (a git push, or an
// upload by the sources API) or a URL to fetch inside the sandbox.
type Source struct {
	Blob        string // key of a tar in the blob store
	URL         string // as the API's client gave it
	Checksum    string // "SHA256:…" as given, checked when fetched
	Version     string // commit or the client's own word, becomes SOURCE_VERSION
	Description string // of that version, such as the commit's subject
}

// Buildpack is one that took part in a build.
type Buildpack struct {
	Name string // "heroku/go", or the URL as the app has it
	Pin  string // "built in", a git commit, "sha256:…" of an archive
}

// Made is what a build made. Config and Addons are what the last buildpack wants for
// an app's first release.
type Made struct {
	Slug       Slug
	Buildpacks []Buildpack
	Detected   bool // the app had named none
	Fallback   bool // no language was found: nothing is remembered
	Config     ConfigVars
}

// BuildpackInstallation is one buildpack of an app, in order from 0.
type BuildpackInstallation struct {
	Ordinal int
	URL     string // "https://…", or "urn:buildpack:heroku/nodejs"
	Name    string // "heroku/nodejs", or the URL
}
