package client

import "time"

// Key is a public SSH key of an account.
type Key struct {
	Comment     string    `json:"comment"`
	CreatedAt   time.Time `json:"created_at"`
	Email       string    `json:"email"`
	Fingerprint string    `json:"fingerprint"`
	ID          string    `json:"id"`
	PublicKey   string    `json:"public_key"`
	UpdatedAt   time.Time `json:"updated_at"`
}
