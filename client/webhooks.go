package client

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// Webhook is an address that is told what happens to an app.
type Webhook struct {
	App       Ref       `json:"app"`
	CreatedAt time.Time `json:"created_at"`
	ID        string    `json:"id"`
	Include   []string  `json:"include"`
	Level     string    `json:"level"`
	UpdatedAt time.Time `json:"updated_at"`
	URL       string    `json:"url"`
}

// WebhookDelivery is one event on its way to one webhook.
type WebhookDelivery struct {
	CreatedAt     time.Time       `json:"created_at"`
	Event         DeliveryEvent   `json:"event"`
	ID            string          `json:"id"`
	LastAttempt   *WebhookAttempt `json:"last_attempt"`
	NextAttemptAt *time.Time      `json:"next_attempt_at"`
	NumAttempts   int             `json:"num_attempts"`
	Status        string          `json:"status"`
	UpdatedAt     time.Time       `json:"updated_at"`
	Webhook       DeliveryWebhook `json:"webhook"`
}

// DeliveryEvent is what is delivered.
type DeliveryEvent struct {
	ID      string `json:"id"`
	Include string `json:"include"`
}

// DeliveryWebhook is to whom.
type DeliveryWebhook struct {
	ID    string `json:"id"`
	Level string `json:"level"`
}

// WebhookAttempt is the last try of a delivery.
type WebhookAttempt struct {
	Code       *int      `json:"code"`
	CreatedAt  time.Time `json:"created_at"`
	ErrorClass *string   `json:"error_class"`
	ID         string    `json:"id"`
	Status     string    `json:"status"`
	UpdatedAt  time.Time `json:"updated_at"`
}

// WebhookEvent is what webhooks are told.
type WebhookEvent struct {
	CreatedAt time.Time       `json:"created_at"`
	ID        string          `json:"id"`
	Include   string          `json:"include"`
	Payload   json.RawMessage `json:"payload"`
	UpdatedAt time.Time       `json:"updated_at"`
}

// AddWebhook makes a webhook of these fields and returns the secret that it signs with,
// which is told this once.
func (c *Client) AddWebhook(ctx context.Context, app string, fields map[string]any) (secret string, err error) {
	var w Webhook
	h, err := c.call(ctx, request{method: http.MethodPost, path: path("apps", app, "webhooks"), body: fields}, &w)
	if err != nil {
		return "", err
	}
	return h.Get("Heroku-Webhook-Secret"), nil
}
