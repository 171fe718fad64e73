package client

import "time"

// Session is a login in a browser, or an OAuth client's that exchanged a code. With it ends
// its authorization.
type Session struct {
	Authorization IDRef     `json:"authorization"`
	CreatedAt     time.Time `json:"created_at"`
	Description   string    `json:"description"`
	ExpiresIn     *int      `json:"expires_in"` // seconds, of its token
	ID            string    `json:"id"`
	UpdatedAt     time.Time `json:"updated_at"`
}
