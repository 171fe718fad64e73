package control

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/secret"
)

const maxWebhookText = 1024 // of a secret and of an authorization

// WebhookChange is what a webhook shall be; nil leaves a field as it is.
type WebhookChange struct {
	URL, Secret, Authorization, Level *string
	Include                           []string
}

// AddWebhook tells an address what happens to an app from now on. Without a secret
// one is made.
func (c *Control) AddWebhook(ctx context.Context, a Actor, id kigo.AppID, ch WebhookChange) (w kigo.Webhook, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		app, err := tx.app(id)
		if err != nil {
			return err
		}
		have, err := tx.Webhooks(id)
		if err != nil {
			return err
		}
		if len(have) >= kigo.MaxWebhooks {
			return kigo.Invalid("%s has %d webhooks, and more are not possible: remove one first.", app.Name, len(have))
		}
		w = kigo.Webhook{App: id, Secret: secret.NewCapability()}
		if w.Since, err = tx.Revision(); err != nil {
			return err
		}
		return tx.putWebhook(&w, ch, "webhook.create")
	})
	return w, err
}

// UpdateWebhook changes one.
func (c *Control) UpdateWebhook(ctx context.Context, a Actor, id kigo.AppID, which string, ch WebhookChange) (w kigo.Webhook, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		if w, err = tx.webhook(id, which); err != nil {
			return err
		}
		return tx.putWebhook(&w, ch, "webhook.update")
	})
	return w, err
}

// RemoveWebhook ends one; what is on its way to it is not sent any more.
func (c *Control) RemoveWebhook(ctx context.Context, a Actor, id kigo.AppID, which string) (w kigo.Webhook, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		if w, err = tx.webhook(id, which); err != nil {
			return err
		}
		return errors.Join(tx.DeleteWebhook(w.ID), tx.emit("webhook.delete", id, w.ID, nil))
	})
	return w, err
}

// PingWebhook sends one an event that says nothing else.
func (c *Control) PingWebhook(ctx context.Context, a Actor, id kigo.AppID, which string) (d kigo.Delivery, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		w, err := tx.webhook(id, which)
		if err != nil {
			return err
		}
		if err := tx.emit("webhook.ping", id, w.ID, nil); err != nil {
			return err
		}
		e := kigo.WebhookEvent{App: id, Include: kigo.PingInclude}
		if e.Seq, err = tx.Revision(); err != nil {
			return err
		}
		e.Payload, err = json.Marshal(map[string]any{
			"action": "ping", "actor": map[string]string{"email": a.Email, "id": string(a.ID)}, "data": map[string]string{"id": w.ID},
			"previous_data": map[string]any{}, "resource": "webhook", "version": PayloadVersion,
		})
		if err != nil {
			return err
		}
		if err := tx.PutWebhookEvent(&e); err != nil {
			return err
		}
		d = kigo.Delivery{App: id, Webhook: w.ID, Event: e.ID, Seq: e.Seq, Status: kigo.DeliveryPending, NextAt: tx.Now()}
		return tx.PutDelivery(&d)
	})
	return d, err
}

// PayloadVersion says in which form the data of webhooks' events is.
const PayloadVersion = "application/vnd.heroku+json; version=3"

func (c *change) webhook(id kigo.AppID, which string) (kigo.Webhook, error) {
	if _, err := c.app(id); err != nil {
		return kigo.Webhook{}, err
	}
	w, err := c.Webhook(which)
	if err == nil && w.App != id {
		err = kigo.NotFound("webhook")
	}
	return w, err
}

func (c *change) putWebhook(w *kigo.Webhook, ch WebhookChange, event string) error {
	if ch.URL != nil && w.URL != "" && !sameHost(w.URL, *ch.URL) {
		w.Authorization = "" // that of another host; clients of Heroku's change no authorization, so it is no error
	}
	for to, from := range map[*string]*string{&w.URL: ch.URL, &w.Secret: ch.Secret, &w.Authorization: ch.Authorization, &w.Level: ch.Level} {
		if from != nil {
			*to = *from
		}
	}
	if ch.Include != nil {
		w.Include = slices.Compact(slices.Sorted(slices.Values(ch.Include)))
	}
	if w.Secret == "" {
		w.Secret = secret.NewCapability()
	}
	if err := c.control.checkWebhook(*w); err != nil {
		return err
	}
	return errors.Join(c.PutWebhook(w), c.emit(event, w.App, w.ID, map[string]string{"include": strings.Join(w.Include, ",")}))
}

func (c *Control) checkWebhook(w kigo.Webhook) error {
	if w.Level == "" {
		return kigo.Invalid("level is required: notify, or sync.")
	}
	if w.Level != kigo.LevelNotify && w.Level != kigo.LevelSync {
		return kigo.Invalid("level %.80q is not one of notify, sync.", w.Level)
	}
	if len(w.Include) == 0 {
		return kigo.Invalid("include is required: some of %s.", strings.Join(kigo.WebhookIncludes(), ", "))
	}
	for _, i := range w.Include {
		if !slices.Contains(kigo.WebhookIncludes(), i) {
			return kigo.Invalid("include %.80q is not one of %s.", i, strings.Join(kigo.WebhookIncludes(), ", "))
		}
	}
	for field, text := range map[string]string{"secret": w.Secret, "authorization": w.Authorization} {
		if err := checkText(field, text, maxWebhookText); err != nil {
			return err
		}
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return kigo.Invalid("%s holds a control character", field)
		}
	}
	return c.checkReceiver(w.URL)
}

// checkReceiver says what is wrong with an address that the platform shall post to. What
// it says never repeats the address, which may hold a credential.
func (c *Control) checkReceiver(address string) error {
	bad := func(why string) error { return kigo.Invalid("Url is invalid: %s", why) }
	if len(address) > maxDrainURL {
		return bad("it is too long.")
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		return bad("it should look like https://hooks.example.com/path.")
	case u.Scheme != "https" && (u.Scheme != "http" || !c.Outbound.Granted(u.Hostname())):
		return bad("its scheme must be https.")
	case c.Outbound.CheckHost(u.Hostname()) != nil:
		return bad("addresses that are not public cannot be reached, unless the operator allows them.")
	}
	return nil
}
