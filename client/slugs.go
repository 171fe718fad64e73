package client

import "time"

// Blob is where a slug is fetched from or stored; Method is "get" or "put".
type Blob struct {
	Method string `json:"method"`
	URL    string `json:"url"`
}

// Slug is a compiled app.
type Slug struct {
	Blob                         Blob              `json:"blob"`
	BuildpackProvidedDescription *string           `json:"buildpack_provided_description"`
	Checksum                     *string           `json:"checksum"`
	Commit                       *string           `json:"commit"`
	CommitDescription            *string           `json:"commit_description"`
	CreatedAt                    time.Time         `json:"created_at"`
	DeletedAt                    *time.Time        `json:"deleted_at"`
	ID                           string            `json:"id"`
	ProcessTypes                 map[string]string `json:"process_types"`
	Size                         *int64            `json:"size"`
	Stack                        Ref               `json:"stack"`
	UpdatedAt                    time.Time         `json:"updated_at"`
}
