package client

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
