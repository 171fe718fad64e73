package client

import "time"

// Permission is one thing that a collaborator may do.
type Permission struct {
	Description string `json:"description"`
	Name        string `json:"name"`
}

// CollaboratorUser is the account of a collaborator.
type CollaboratorUser struct {
	Email     string `json:"email"`
	Federated bool   `json:"federated"`
	ID        string `json:"id"`
}

// Collaborator is a person who may work on an app.
type Collaborator struct {
	App         Ref              `json:"app"`
	CreatedAt   time.Time        `json:"created_at"`
	ID          string           `json:"id"`
	Permissions []Permission     `json:"permissions"`
	Role        *string          `json:"role"`
	UpdatedAt   time.Time        `json:"updated_at"`
	User        CollaboratorUser `json:"user"`
}
