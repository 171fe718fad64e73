package kigo

import "time"

// SNIEndpoint is a certificate with its key that an app's domains are served with.
type SNIEndpoint struct {
	ID         string
	App        AppID
	Name       string
	Automatic  bool   // made and renewed by the platform, for one domain
	Chain      string // PEM, the domain's certificate first
	PrivateKey string // PEM; sealed where it is stored, never shown
	CreatedAt  time.Time
	UpdatedAt  time.Time
}
