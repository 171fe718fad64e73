package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/internal/lanes"
	"github.com/kigo-dev/kigo/outbound"
	"github.com/kigo-dev/kigo/store"
)

// send delivers until ctx is done. One webhook gets one delivery at a time.
func (l *Loop) send(ctx context.Context) {
	hooks := lanes.New(lanes.Places, lanes.Share, l.mark) // who is free may have more to send
	defer hooks.Wait()
	var trimmed time.Time
	for ctx.Err() == nil {
		wait, err := l.round(ctx, hooks)
		if err != nil && ctx.Err() == nil {
			l.Log.Warn("send to webhooks", "err", err)
			wait = failedPause
		}
		if time.Since(trimmed) > time.Hour && err == nil {
			trimmed = time.Now()
			if err := l.Store.Update(ctx, trim); err != nil && ctx.Err() == nil {
				l.Log.Warn("forget old webhook deliveries", "err", err)
			}
		}
		select {
		case <-ctx.Done():
		case <-l.hint:
		case <-time.After(wait):
		}
	}
}

// trim forgets what is old or of apps that have gone, as far as it is known that nobody has
// to be told of it any more.
func trim(tx *store.Tx) error {
	place, err := readPlace(tx)
	return errors.Join(err, tx.TrimWebhooks(tx.Now().Add(-keep), place))
}

// round begins to send what is due and tells how long there is nothing else to do. A
// receiver that hangs holds up its own webhook: what is due there waits for its turn.
func (l *Loop) round(ctx context.Context, hooks *lanes.Lanes) (wait time.Duration, err error) {
	wait = resync
	var due []kigo.Delivery
	err = l.Store.View(ctx, func(tx *store.Tx) error {
		all, err := tx.NextDeliveries()
		for _, d := range all {
			if left := d.NextAt.Sub(tx.Now()); left > 0 {
				wait = min(wait, left)
			} else if !hooks.Busy(d.Webhook) {
				due = append(due, d)
			}
		}
		return err
	})
	for _, d := range due {
		hooks.Go(d.Webhook, func() { l.deliver(ctx, hooks, d.App, d.Webhook) })
	}
	return wait, err
}

// deliver sends a webhook's next delivery when there is a place for it.
func (l *Loop) deliver(ctx context.Context, hooks *lanes.Lanes, app kigo.AppID, webhook string) {
	owner, err := l.owner(ctx, app)
	if err == nil {
		err = hooks.Place(ctx, string(owner), func() error { return l.attempt(ctx, webhook) })
	}
	if err == nil || ctx.Err() != nil {
		return
	}
	l.Log.Warn("send to webhook", "webhook", webhook, "err", err)
	select {
	case <-ctx.Done():
	case <-time.After(failedPause):
	}
}

// owner is whose app it is, or was: the last words of one that has gone may be on their way
// still. It is nobody when the name has another app by now.
func (l *Loop) owner(ctx context.Context, id kigo.AppID) (owner kigo.AccountID, err error) {
	err = l.Store.View(ctx, func(tx *store.Tx) error {
		app, err := tx.App(id)
		if owner = app.Owner; !errors.Is(err, kigo.ErrNotFound) {
			return err
		}
		names, err := tx.FormerNamesOf(id)
		if len(names) > 0 {
			owner = names[0].Owner
		}
		return err
	})
	return owner, err
}

// attempt sends a webhook's next delivery once, if it is due, and writes down what came
// of it. What was due when the round looked may have been sent since.
func (l *Loop) attempt(ctx context.Context, webhook string) error {
	var d kigo.Delivery
	var w kigo.Webhook
	var e kigo.WebhookEvent
	due := false
	err := l.Store.View(ctx, func(tx *store.Tx) (err error) {
		if d, err = tx.NextDelivery(webhook); err != nil {
			return err
		}
		due = !d.NextAt.After(tx.Now())
		if w, err = tx.Webhook(webhook); err == nil {
			e, err = tx.WebhookEvent(d.Event)
		}
		return err
	})
	if errors.Is(err, kigo.ErrNotFound) {
		l.unwritten.Delete(webhook)
		return nil // nothing is left
	}
	if err == nil && !due {
		return nil
	}
	if err != nil {
		return err
	}
	if tried, ok := l.unwritten.Load(webhook); ok && tried.(kigo.Delivery).ID == d.ID {
		return l.record(ctx, tried.(kigo.Delivery), w) // the store refused when it had been sent
	}
	d.Last = kigo.DeliveryAttempt{ID: uuid.NewString(), Status: kigo.DeliverySucceeded, At: time.Now().UTC()}
	if w.Unreadable != nil {
		d.Last.Error = "Unreadable"
		l.Log.Warn("a delivery is given up", "webhook", w.ID, "err", w.Unreadable)
	} else {
		d.Last.Code, d.Last.Error = l.post(ctx, w, e, d)
	}
	if d.Last.Code == 0 && ctx.Err() != nil {
		return ctx.Err() // stopped while sending: it is sent again
	}
	d.Attempts++
	return l.record(ctx, d, w)
}

// record writes down what became of a delivery, also when this process ends. What the store
// refuses to take is kept, so that it is not sent again in the meantime.
func (l *Loop) record(ctx context.Context, d kigo.Delivery, w kigo.Webhook) error {
	ctx, cancel := store.Outcome(ctx)
	defer cancel()
	judged := d
	err := l.Store.Update(ctx, func(tx *store.Tx) error {
		l.judge(&judged, w, tx.Now())
		return tx.UpdateDelivery(&judged)
	})
	if err != nil && !errors.Is(err, kigo.ErrNotFound) {
		l.unwritten.Store(w.ID, d)
		return fmt.Errorf("write down what became of delivery %s: %w", d.ID, err)
	}
	l.unwritten.Delete(w.ID)
	return nil
}

// judge sets what comes next: nothing after a success, another try of level sync with a
// growing pause, for a day.
func (l *Loop) judge(d *kigo.Delivery, w kigo.Webhook, now time.Time) {
	if d.Last.Code/100 == 2 {
		d.Status, d.NextAt = kigo.DeliverySucceeded, time.Time{}
		return
	}
	d.Last.Status = kigo.DeliveryFailed
	if w.Unreadable != nil || w.Level != kigo.LevelSync || now.Sub(d.CreatedAt) > giveUpAfter {
		d.Status, d.NextAt = kigo.DeliveryFailed, time.Time{}
		return
	}
	pause := l.FirstTry
	for i := 1; i < d.Attempts && pause < l.LastTry; i++ {
		pause *= 2
	}
	d.Status, d.NextAt = kigo.DeliveryRetrying, now.Add(min(pause, l.LastTry))
}

// maxAnswer is how much of an answer is read, so that its connection can be used again.
const maxAnswer = 64 << 10

// post sends a delivery. It returns the status of the answer, or 0 and why there is none.
func (l *Loop) post(ctx context.Context, w kigo.Webhook, e kigo.WebhookEvent, d kigo.Delivery) (code int, why string) {
	body, err := envelope(w, e, d)
	if err != nil {
		l.Log.Error("make webhook delivery", "delivery", d.ID, "err", err)
		return 0, "Internal"
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(body))
	if err != nil {
		return 0, "InvalidURL"
	}
	mac := hmac.New(sha256.New, []byte(w.Secret))
	mac.Write(body)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Heroku-Webhooks/1 (Kigo)")
	r.Header.Set("Heroku-Webhook-Hmac-SHA256", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	if w.Authorization != "" {
		r.Header.Set("Authorization", w.Authorization)
	}
	resp, err := l.client.Do(r)
	if err != nil {
		return 0, outbound.Class(err)
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, maxAnswer)
	if resp.StatusCode/100 != 2 {
		return resp.StatusCode, "HTTPStatus"
	}
	return resp.StatusCode, ""
}

// envelope is the body: the event's payload with the ids of everything.
func envelope(w kigo.Webhook, e kigo.WebhookEvent, d kigo.Delivery) ([]byte, error) {
	body := map[string]any{}
	if err := json.Unmarshal(e.Payload, &body); err != nil {
		return nil, fmt.Errorf("parse payload: %w", err)
	}
	at := e.CreatedAt.UTC().Format(time.RFC3339)
	body["id"], body["created_at"], body["updated_at"], body["published_at"], body["sequence"] = e.ID, at, at, d.CreatedAt.UTC().Format(time.RFC3339), e.Seq
	id := func(v string) map[string]string { return map[string]string{"id": v} }
	body["webhook_metadata"] = map[string]any{
		"attempt": id(d.Last.ID), "delivery": id(d.ID), "event": map[string]string{"id": e.ID, "include": e.Include}, "webhook": id(w.ID),
	}
	return json.Marshal(body)
}
