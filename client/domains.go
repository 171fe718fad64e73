package client

import "time"

// Domain is a host name that leads to an app.
type Domain struct {
	ACMStatus       *string   `json:"acm_status"`
	ACMStatusReason *string   `json:"acm_status_reason"`
	App             Ref       `json:"app"`
	CNAME           *string   `json:"cname"`
	CreatedAt       time.Time `json:"created_at"`
	Hostname        string    `json:"hostname"`
	ID              string    `json:"id"`
	Kind            string    `json:"kind"`
	SNIEndpoint     *Ref      `json:"sni_endpoint"`
	Status          string    `json:"status"`
	UpdatedAt       time.Time `json:"updated_at"`
}
