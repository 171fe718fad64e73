package client

import "time"

// Favorite is an app that an account wants to see first.
type Favorite struct {
	CreatedAt    time.Time `json:"created_at"`
	ID           string    `json:"id"`
	ResourceID   string    `json:"resource_id"`
	ResourceName string    `json:"resource_name"`
	Type         string    `json:"type"`
}
