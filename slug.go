package kigo

import "time"

// SlugID is a slug's uuid. Several slugs may hold the same bytes, by Digest.
type SlugID string

// Slug is a compiled app: a read-only image of /app and what runs in it.
type Slug struct {
	ID                SlugID
	App               AppID
	Digest            string // "sha256:…" of the image file; empty until uploaded
	Size              int64  // compressed bytes, the number users know
	ImageSize         int64  // bytes of the image on disk
	Stack             string
	Commit            string // git commit or source version; may be empty
	CommitDescription string
	BuildpackProvided string            // language name shown by apps:info
	ProcessTypes      map[string]string // type → command
	AppJSON           string            // the source's app.json, which ParseAppJSON accepts; empty without one
	CreatedAt         time.Time
}

// Limits of a slug's compressed size (Heroku's documentation of limits).
const (
	SlugSoftLimit int64 = 300 << 20
	SlugHardLimit int64 = 500 << 20
)
