package kigo

import "time"

// Favorite is an app that an account wants to see first.
type Favorite struct {
	ID        string
	Account   AccountID
	App       AppID
	AppName   string
	CreatedAt time.Time
}
