package client

import "time"

// PlatformStatus is how the platform's parts are.
type PlatformStatus struct {
	Incidents []Incident     `json:"incidents"`
	Scheduled []Incident     `json:"scheduled"`
	Status    []SystemStatus `json:"status"`
}

// SystemStatus is how one part is: "green", "yellow" or "red".
type SystemStatus struct {
	System string `json:"system"`
	Status string `json:"status"`
}

// Incident is trouble, with what was told of it.
type Incident struct {
	CreatedAt time.Time `json:"created_at"`
	FullURL   string    `json:"full_url"`
	Title     string    `json:"title"`
	Updates   []struct {
		Contents   string    `json:"contents"`
		UpdateType string    `json:"update_type"`
		UpdatedAt  time.Time `json:"updated_at"`
	} `json:"updates"`
}
