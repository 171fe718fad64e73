package client

import "time"

// Buildpack is a buildpack by URL and, when it is a known one, name.
type Buildpack struct {
	Name string `json:"name,omitempty"`
	URL  string `json:"url"`
}

// BuildpackInstallation is one buildpack of an app, in order from 0.
type BuildpackInstallation struct {
	Buildpack Buildpack `json:"buildpack"`
	Ordinal   int       `json:"ordinal"`
}

// RegistryBuildpack is a buildpack that one can name instead of its URL.
type RegistryBuildpack struct {
	BlobURL                 string         `json:"blob_url"`
	Category                string         `json:"category"`
	Description             string         `json:"description"`
	ID                      string         `json:"id"`
	Name                    string         `json:"name"`
	Namespace               string         `json:"namespace"`
	Source                  RegistrySource `json:"source"`
	Support                 RegistryHelp   `json:"support"`
	TwoFactorAuthentication bool           `json:"two_factor_authentication"`
}

// RegistrySource is where its code is.
type RegistrySource struct {
	Owner string `json:"owner"`
	Repo  string `json:"repo"`
	Type  string `json:"type"`
}

// RegistryHelp is whom to ask about it.
type RegistryHelp struct {
	Address string `json:"address"`
	Method  string `json:"method"`
}

// RegistryVersion is one of its versions.
type RegistryVersion struct {
	CreatedAt   time.Time `json:"created_at"`
	ID          string    `json:"id"`
	License     string    `json:"license"`
	PublishedAt time.Time `json:"published_at"`
	Release     int       `json:"release"`
	Status      string    `json:"status"`
	UpdatedAt   time.Time `json:"updated_at"`
}
