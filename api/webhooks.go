package api

import (
	"net/http"
	"net/url"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/store"
)

// serializeWebhook never tells the secret, nor a password in the address.
func (c *call) serializeWebhook(w kigo.Webhook) client.Webhook {
	shown := w.URL
	if u, err := url.Parse(w.URL); err == nil {
		shown = u.Redacted()
	}
	return client.Webhook{App: appRef(c.app), CreatedAt: second(w.CreatedAt), ID: w.ID, Include: w.Include, Level: w.Level, UpdatedAt: second(w.UpdatedAt), URL: shown}
}

func webhookList(c *call) (reply, error) {
	var all []kigo.Webhook
	err := c.view(func(tx *store.Tx) (err error) {
		all, err = tx.Webhooks(c.app.ID)
		return err
	})
	if err != nil {
		return reply{}, err
	}
	return page(c, all, each(c.serializeWebhook), textKey("id", func(w kigo.Webhook) string { return w.ID }))
}

func webhookInfo(c *call) (reply, error) {
	var w kigo.Webhook
	err := c.view(func(tx *store.Tx) (err error) {
		w, err = tx.Webhook(c.param("webhook"))
		return err
	})
	if err == nil && w.App != c.app.ID {
		err = kigo.NotFound("webhook")
	}
	return ok(c.serializeWebhook(w)), err
}

func (c *call) webhookBody() (control.WebhookChange, error) {
	var in struct {
		Authorization *string  `json:"authorization"`
		Include       []string `json:"include"`
		Level         *string  `json:"level"`
		Secret        *string  `json:"secret"`
		URL           *string  `json:"url"`
	}
	err := c.decode(&in)
	return control.WebhookChange{URL: in.URL, Secret: in.Secret, Authorization: in.Authorization, Level: in.Level, Include: in.Include}, err
}

// webhookCreate tells the secret this once, in a header.
func webhookCreate(c *call) (reply, error) {
	ch, err := c.webhookBody()
	if err != nil {
		return reply{}, err
	}
	w, err := ctrl(c).AddWebhook(c.ctx(), c.actor, c.app.ID, ch)
	return reply{http.StatusCreated, c.serializeWebhook(w), http.Header{"Heroku-Webhook-Secret": {w.Secret}, "Cache-Control": {"no-store"}}}, err
}

func webhookUpdate(c *call) (reply, error) {
	ch, err := c.webhookBody()
	if err != nil {
		return reply{}, err
	}
	w, err := ctrl(c).UpdateWebhook(c.ctx(), c.actor, c.app.ID, c.param("webhook"), ch)
	return ok(c.serializeWebhook(w)), err
}

func webhookDelete(c *call) (reply, error) {
	w, err := ctrl(c).RemoveWebhook(c.ctx(), c.actor, c.app.ID, c.param("webhook"))
	return ok(c.serializeWebhook(w)), err
}

// webhookPing is ours: it sends the webhook something to try it out with.
func webhookPing(c *call) (reply, error) {
	d, err := ctrl(c).PingWebhook(c.ctx(), c.actor, c.app.ID, c.param("webhook"))
	if err != nil {
		return reply{}, err
	}
	all, err := c.deliveries([]kigo.Delivery{d})
	if err != nil {
		return reply{}, err
	}
	return accepted(all[0]), nil
}

// deliveries shows deliveries with the event and the webhook of each.
func (c *call) deliveries(all []kigo.Delivery) ([]client.WebhookDelivery, error) {
	out := []client.WebhookDelivery{}
	err := c.view(func(tx *store.Tx) error {
		for _, d := range all {
			w, err := tx.Webhook(d.Webhook)
			if err != nil {
				return err
			}
			e, err := tx.WebhookEvent(d.Event)
			if err != nil {
				return err
			}
			shown := client.WebhookDelivery{
				CreatedAt: second(d.CreatedAt), Event: client.DeliveryEvent{ID: e.ID, Include: e.Include}, ID: d.ID, NextAttemptAt: optionalTime(d.NextAt),
				NumAttempts: d.Attempts, Status: d.Status, UpdatedAt: second(d.UpdatedAt), Webhook: client.DeliveryWebhook{ID: w.ID, Level: w.Level},
			}
			if a := d.Last; a.ID != "" {
				shown.LastAttempt = &client.WebhookAttempt{Code: optional(a.Code), CreatedAt: second(a.At), ErrorClass: optional(a.Error), ID: a.ID, Status: a.Status, UpdatedAt: second(a.At)}
			}
			out = append(out, shown)
		}
		return nil
	})
	return out, err
}

func (c *call) allDeliveries() (all []kigo.Delivery, err error) {
	err = c.view(func(tx *store.Tx) error {
		all, err = tx.Deliveries(c.app.ID)
		return err
	})
	return all, err
}

func deliveryList(c *call) (reply, error) {
	all, err := c.allDeliveries()
	if err != nil {
		return reply{}, err
	}
	return page(c, all, c.deliveries, textKey("id", func(d kigo.Delivery) string { return d.ID }),
		numberKey("seq", func(d kigo.Delivery) int { return int(d.Seq) }), timeKey("created_at", func(d kigo.Delivery) time.Time { return d.CreatedAt }))
}

func deliveryInfo(c *call) (reply, error) {
	all, err := c.allDeliveries()
	if err != nil {
		return reply{}, err
	}
	for _, d := range all {
		if d.ID == c.param("delivery") {
			shown, err := c.deliveries([]kigo.Delivery{d})
			if err != nil {
				return reply{}, err
			}
			return ok(shown[0]), nil
		}
	}
	return reply{}, kigo.NotFound("webhook delivery")
}

func serializeWebhookEvent(e kigo.WebhookEvent) client.WebhookEvent {
	return client.WebhookEvent{CreatedAt: second(e.CreatedAt), ID: e.ID, Include: e.Include, Payload: e.Payload, UpdatedAt: second(e.CreatedAt)}
}

func webhookEventList(c *call) (reply, error) {
	var all []kigo.WebhookEvent
	err := c.view(func(tx *store.Tx) (err error) {
		all, err = tx.WebhookEvents(c.app.ID)
		return err
	})
	if err != nil {
		return reply{}, err
	}
	return page(c, all, each(serializeWebhookEvent), textKey("id", func(e kigo.WebhookEvent) string { return e.ID }),
		numberKey("seq", func(e kigo.WebhookEvent) int { return int(e.Seq) }))
}

func webhookEventInfo(c *call) (reply, error) {
	var e kigo.WebhookEvent
	err := c.view(func(tx *store.Tx) (err error) {
		e, err = tx.WebhookEvent(c.param("event"))
		return err
	})
	if err == nil && e.App != c.app.ID {
		err = kigo.NotFound("webhook event")
	}
	return ok(serializeWebhookEvent(e)), err
}
