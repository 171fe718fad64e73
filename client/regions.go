package client

import "time"

// Provider is where a region is.
type Provider struct {
	Name   string `json:"name"`
	Region string `json:"region"`
}

// Region is a place where apps run.
type Region struct {
	Country        string    `json:"country"`
	CreatedAt      time.Time `json:"created_at"`
	Description    string    `json:"description"`
	ID             string    `json:"id"`
	Locale         string    `json:"locale"`
	Name           string    `json:"name"`
	PrivateCapable bool      `json:"private_capable"`
	Provider       Provider  `json:"provider"`
	UpdatedAt      time.Time `json:"updated_at"`
}
