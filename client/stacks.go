package client

import "time"

// Stack is a base system for dynos.
type Stack struct {
	CreatedAt time.Time `json:"created_at"`
	Default   bool      `json:"default"`
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	State     string    `json:"state"`
	UpdatedAt time.Time `json:"updated_at"`
}
