package client

import "time"

// Feature is a switch of an app or an account.
type Feature struct {
	CreatedAt     time.Time `json:"created_at"`
	Description   string    `json:"description"`
	DisplayName   string    `json:"display_name"`
	DocURL        string    `json:"doc_url"`
	Enabled       bool      `json:"enabled"`
	FeedbackEmail string    `json:"feedback_email"`
	ID            string    `json:"id"`
	Name          string    `json:"name"`
	State         string    `json:"state"`
	UpdatedAt     time.Time `json:"updated_at"`
}
