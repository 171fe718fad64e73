package client

// Ref names a resource that another one belongs to.
type Ref struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// IDRef names a resource by its id alone.
type IDRef struct {
	ID string `json:"id"`
}

// UserRef names an account.
type UserRef struct {
	Email string `json:"email"`
	ID    string `json:"id"`
}
