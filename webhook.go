package kigo

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Webhook is an address that is told what happens to an app.
type Webhook struct {
	ID            string
	App           AppID
	URL           string
	Secret        string // signs each delivery
	Authorization string // the header of that name; may be empty
	Include       []string
	Level         string
	Since         int64 // events after this revision are its
	CreatedAt     time.Time
	UpdatedAt     time.Time
	Unreadable    error // why its secrets cannot be read any more, which are empty then
}

// Levels of a webhook: sync is tried again until it is received, in order; notify once.
const (
	LevelNotify = "notify"
	LevelSync   = "sync"
)

// MaxWebhooks is how many an app may have.
const MaxWebhooks = 10

// webhookIncludes are what a webhook can be told about, by the noun of the events.
var webhookIncludes = map[string]string{
	"app": "api:app", "build": "api:build", "collaborator": "api:collaborator", "domain": "api:domain", "dyno": "api:dyno",
	"formation": "api:formation", "release": "api:release", "sni-endpoint": "api:sni-endpoint",
}

// WebhookIncludes lists what webhooks can be told about. Add-ons and attachments may be
// named, although nothing happens to them here.
func WebhookIncludes() []string {
	all := []string{"api:addon", "api:addon-attachment"}
	for _, v := range webhookIncludes {
		all = append(all, v)
	}
	slices.Sort(all)
	return all
}

// IncludeOf is the name by which webhooks ask for an event; empty when none can.
func IncludeOf(e Event) string {
	noun, _, _ := strings.Cut(e.Kind, ".")
	return webhookIncludes[noun]
}

// PingInclude names the event that a webhook's owner asks for to try it out.
const PingInclude = "ping"

// WebhookEvent is what webhooks are told.
type WebhookEvent struct {
	ID        string
	App       AppID
	Seq       int64 // the revision of the platform's event
	Include   string
	Payload   json.RawMessage
	CreatedAt time.Time
}

// Delivery is one event on its way to one webhook.
type Delivery struct {
	ID        string
	App       AppID
	Webhook   string
	Event     string
	Seq       int64
	Status    string
	Attempts  int
	NextAt    time.Time // zero: no more attempts
	Last      DeliveryAttempt
	CreatedAt time.Time
	UpdatedAt time.Time
}

// DeliveryAttempt is the last try of a delivery.
type DeliveryAttempt struct {
	ID     string    `json:"id,omitempty"` // empty: there was none
	Code   int       `json:"code,omitempty"`
	Error  string    `json:"error,omitempty"` // a word or two; never what the receiver answered
	Status string    `json:"status,omitempty"`
	At     time.Time `json:"at,omitzero"`
}

// States of a delivery.
const (
	DeliveryPending   = "pending"
	DeliveryRetrying  = "retrying"
	DeliverySucceeded = "succeeded"
	DeliveryFailed    = "failed"
)
