package kigo

import (
	"strings"
	"time"
)

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
	BuildpackProvided string                    // language name shown by apps:info
	ProcessTypes      map[string]string         // type → command
	Images            map[string]ContainerImage // by process type, of an app that runs container images; nil: one slug for all
	OCI               *OCIImage                 // of one that is a whole container image; nil: it is none
	AppJSON           string                    // the source's app.json, which ParseAppJSON accepts; empty without one
	CreatedAt         time.Time
}

// Limits of a slug's compressed size (Heroku's documentation of limits).
const (
	SlugSoftLimit int64 = 300 << 20
	SlugHardLimit int64 = 500 << 20
)

// ContainerImage is a container image as dynos run it: its files flattened into two
// read-only images, and what its config says of its process.
type ContainerImage struct {
	ID         string   // "sha256:…" of its config: what Docker calls the image's id
	Root       string   // digest of all but /app
	App        string   // digest of /app, which dynos have writable
	Entrypoint []string // ENTRYPOINT
	Cmd        []string // CMD
	Line       string   // what people see for its process; empty: its words
	Env        []string // "NAME=value"; config vars go before them
	Dir        string   // WORKDIR
}

// Command is the line that people see for the image's own process.
func (i ContainerImage) Command() string {
	if i.Line != "" {
		return i.Line
	}
	words := append(append([]string{}, i.Entrypoint...), i.Cmd...)
	for n, w := range words {
		if w == "" || strings.ContainsAny(w, " \t\n\"'\\$&|;<>()*?#~`") {
			words[n] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}

// StackContainer is the stack of apps that run container images.
const StackContainer = "container"
