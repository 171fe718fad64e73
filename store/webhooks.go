package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/kigo-dev/kigo"
)

const (
	webhookColumns      = "id, app_id, url, secret, authorization_header, include, level, since, created_at, updated_at"
	webhookEventColumns = "id, app_id, seq, include, payload, created_at"
	deliveryColumns     = "id, app_id, webhook_id, event_id, seq, status, attempts, next_at, attempt, created_at, updated_at"
)

func scanWebhook(tx *Tx, row scanner) (kigo.Webhook, error) {
	var w kigo.Webhook
	sealed := map[string]*[]byte{"url": {}, "secret": {}, "authorization": {}}
	var key []byte
	if err := row.Scan(&w.ID, &w.App, sealed["url"], sealed["secret"], sealed["authorization"], fromJSON{&w.Include}, &w.Level, &w.Since,
		at{&w.CreatedAt}, at{&w.UpdatedAt}, &key); err != nil {
		return w, err
	}
	for field, to := range map[string]*string{"url": &w.URL, "secret": &w.Secret, "authorization": &w.Authorization} {
		plain, err := tx.openOf(w.App, key, "webhooks", w.ID, field, *sealed[field])
		if err != nil { // one that is damaged holds up no other
			w.Unreadable = fmt.Errorf("open %s of webhook %s: %w", field, w.ID, err)
			continue
		}
		*to = string(plain)
	}
	return w, nil
}

// PutWebhook adds a webhook, or writes all of one but its app and Since.
func (tx *Tx) PutWebhook(w *kigo.Webhook) error {
	newID(&w.ID)
	tx.created(&w.CreatedAt, nil)
	w.UpdatedAt = tx.now
	sealed := map[string][]byte{}
	for field, text := range map[string]string{"url": w.URL, "secret": w.Secret, "authorization": w.Authorization} {
		var err error
		if sealed[field], err = tx.sealOf(w.App, "webhooks", w.ID, field, []byte(text)); err != nil {
			return err
		}
	}
	return tx.exec("write webhook", `INSERT INTO webhooks (id, app_id, url, secret, authorization_header, include, level, since, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO UPDATE SET url = excluded.url, secret = excluded.secret,
		authorization_header = excluded.authorization_header, include = excluded.include, level = excluded.level, updated_at = excluded.updated_at`,
		w.ID, string(w.App), sealed["url"], sealed["secret"], sealed["authorization"],
		asJSON(w.Include), w.Level, w.Since, micros(w.CreatedAt), micros(w.UpdatedAt))
}

// Webhooks returns an app's, the oldest first.
func (tx *Tx) Webhooks(app kigo.AppID) ([]kigo.Webhook, error) {
	return list(tx, "webhook", scanWebhook, "SELECT "+webhookColumns+keyColumn("webhooks")+" FROM webhooks WHERE app_id = $1 ORDER BY created_at, id", string(app))
}

// Webhook returns one by its id.
func (tx *Tx) Webhook(id string) (kigo.Webhook, error) {
	return one(tx, "webhook", scanWebhook, "SELECT "+webhookColumns+keyColumn("webhooks")+" FROM webhooks WHERE id = $1", id)
}

// DeleteWebhook removes one with its deliveries.
func (tx *Tx) DeleteWebhook(id string) error {
	return tx.execOne("webhook", "delete webhook", "DELETE FROM webhooks WHERE id = $1", id)
}

// WebhooksSince is the revision after which the oldest webhook is told of events; the
// newest one when there is none.
func (tx *Tx) WebhooksSince() (n int64, err error) {
	err = tx.tx.QueryRowContext(tx.ctx, "SELECT COALESCE((SELECT MIN(since) FROM webhooks), n) FROM revision").Scan(&n)
	return n, missing(err, "revision", "read revision")
}

func scanWebhookEvent(_ *Tx, row scanner) (kigo.WebhookEvent, error) {
	var e kigo.WebhookEvent
	var payload string
	err := row.Scan(&e.ID, &e.App, &e.Seq, &e.Include, &payload, at{&e.CreatedAt})
	e.Payload = json.RawMessage(payload)
	return e, err
}

// PutWebhookEvent adds an event; one that is there already stays as it is.
func (tx *Tx) PutWebhookEvent(e *kigo.WebhookEvent) error {
	newID(&e.ID)
	tx.created(&e.CreatedAt, nil)
	return tx.exec("write webhook event", `INSERT INTO webhook_events (id, app_id, seq, include, payload, created_at)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING`, e.ID, string(e.App), e.Seq, e.Include, string(e.Payload), micros(e.CreatedAt))
}

// WebhookEvents returns an app's, the oldest first.
func (tx *Tx) WebhookEvents(app kigo.AppID) ([]kigo.WebhookEvent, error) {
	return list(tx, "webhook event", scanWebhookEvent, "SELECT "+webhookEventColumns+" FROM webhook_events WHERE app_id = $1 ORDER BY seq", string(app))
}

// WebhookEvent returns one.
func (tx *Tx) WebhookEvent(id string) (kigo.WebhookEvent, error) {
	return one(tx, "webhook event", scanWebhookEvent, "SELECT "+webhookEventColumns+" FROM webhook_events WHERE id = $1", id)
}

func scanDelivery(_ *Tx, row scanner) (kigo.Delivery, error) {
	var d kigo.Delivery
	err := row.Scan(&d.ID, &d.App, &d.Webhook, &d.Event, &d.Seq, &d.Status, &d.Attempts, at{&d.NextAt}, fromJSON{&d.Last}, at{&d.CreatedAt}, at{&d.UpdatedAt})
	return d, err
}

// PutDelivery adds a delivery; one that is there already stays as it is.
func (tx *Tx) PutDelivery(d *kigo.Delivery) error {
	newID(&d.ID)
	tx.created(&d.CreatedAt, &d.UpdatedAt)
	return tx.exec("write webhook delivery", `INSERT INTO webhook_deliveries (id, app_id, webhook_id, event_id, seq, status, attempts, next_at, attempt, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (id) DO NOTHING`,
		d.ID, string(d.App), d.Webhook, d.Event, d.Seq, d.Status, d.Attempts, micros(d.NextAt), asJSON(d.Last), micros(d.CreatedAt), micros(d.UpdatedAt))
}

// UpdateDelivery writes what became of a delivery. One whose webhook has gone is NotFound.
func (tx *Tx) UpdateDelivery(d *kigo.Delivery) error {
	d.UpdatedAt = tx.now
	return tx.execOne("webhook delivery", "update webhook delivery", `UPDATE webhook_deliveries
		SET status = $2, attempts = $3, next_at = $4, attempt = $5, updated_at = $6 WHERE id = $1`,
		d.ID, d.Status, d.Attempts, micros(d.NextAt), asJSON(d.Last), micros(d.UpdatedAt))
}

// Deliveries returns an app's, the oldest first.
func (tx *Tx) Deliveries(app kigo.AppID) ([]kigo.Delivery, error) {
	return list(tx, "webhook delivery", scanDelivery, "SELECT "+deliveryColumns+" FROM webhook_deliveries WHERE app_id = $1 ORDER BY seq, id", string(app))
}

// NextDeliveries returns, for each webhook that still has any, its oldest delivery that
// is not done.
func (tx *Tx) NextDeliveries() ([]kigo.Delivery, error) {
	return list(tx, "webhook delivery", scanDelivery, "SELECT "+deliveryColumns+` FROM webhook_deliveries AS d WHERE next_at > 0 AND NOT EXISTS
		(SELECT 1 FROM webhook_deliveries AS o WHERE o.webhook_id = d.webhook_id AND o.next_at > 0 AND (o.seq < d.seq OR o.seq = d.seq AND o.id < d.id))`)
}

// NextDelivery returns a webhook's oldest delivery that is not done.
func (tx *Tx) NextDelivery(webhook string) (kigo.Delivery, error) {
	return one(tx, "webhook delivery", scanDelivery, "SELECT "+deliveryColumns+" FROM webhook_deliveries WHERE webhook_id = $1 AND next_at > 0 ORDER BY seq, id LIMIT 1", webhook)
}

// TrimWebhooks forgets events that are older than a moment, with their deliveries, and
// the webhooks of apps that have gone and have nothing left to say: no delivery, and no
// event after place, up to which events have been read.
func (tx *Tx) TrimWebhooks(before time.Time, place int64) error {
	return errors.Join(
		tx.exec("trim webhook events", "DELETE FROM webhook_events WHERE created_at < $1", micros(before)),
		tx.exec("trim webhooks", `DELETE FROM webhooks WHERE app_id NOT IN (SELECT id FROM apps)
			AND id NOT IN (SELECT webhook_id FROM webhook_deliveries WHERE next_at > 0)
			AND app_id NOT IN (SELECT app_id FROM events WHERE revision > $1)`, place),
		tx.exec("trim keys of apps", "DELETE FROM app_keys WHERE "+unused),
	)
}
