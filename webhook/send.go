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
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/outbound"
	"github.com/kigo-dev/kigo/store"
)

// parallel is how many webhooks are written to at once; one webhook gets one delivery at
// a time.
const parallel = 16

// send delivers until ctx is done.
func (l *Loop) send(ctx context.Context) {
	var trimmed time.Time
	for ctx.Err() == nil {
		wait, err := l.round(ctx)
		if err != nil && ctx.Err() == nil {
			l.Log.Warn("send to webhooks", "err", err)
			wait = 5 * time.Second
		}
		if time.Since(trimmed) > time.Hour && err == nil {
			trimmed = time.Now()
			if err := l.Store.Update(ctx, func(tx *store.Tx) error { return tx.TrimWebhooks(tx.Now().Add(-keep)) }); err != nil && ctx.Err() == nil {
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

// round sends what is due and tells how long there is nothing to do.
func (l *Loop) round(ctx context.Context) (wait time.Duration, err error) {
	for ctx.Err() == nil {
		var due []kigo.Delivery
		wait = resync
		err = l.Store.View(ctx, func(tx *store.Tx) error {
			all, err := tx.NextDeliveries()
			for _, d := range all {
				if left := d.NextAt.Sub(tx.Now()); left > 0 {
					wait = min(wait, left)
				} else {
					due = append(due, d)
				}
			}
			return err
		})
		if err != nil || len(due) == 0 {
			return wait, err
		}
		var wg sync.WaitGroup
		errs := make([]error, len(due))
		room := make(chan struct{}, parallel)
		for i, d := range due {
			room <- struct{}{}
			wg.Go(func() {
				defer func() { <-room }()
				errs[i] = l.attempt(ctx, d)
			})
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			return wait, err
		}
	}
	return wait, ctx.Err()
}

// attempt sends one delivery once and writes down what came of it.
func (l *Loop) attempt(ctx context.Context, d kigo.Delivery) error {
	var w kigo.Webhook
	var e kigo.WebhookEvent
	err := l.Store.View(ctx, func(tx *store.Tx) (err error) {
		if w, err = tx.Webhook(d.Webhook); err == nil {
			e, err = tx.WebhookEvent(d.Event)
		}
		return err
	})
	if errors.Is(err, kigo.ErrNotFound) {
		return nil // removed
	}
	if err != nil {
		return err
	}
	d.Last = kigo.DeliveryAttempt{ID: uuid.NewString(), Status: kigo.DeliverySucceeded, At: time.Now().UTC()}
	d.Last.Code, d.Last.Error = l.post(ctx, w, e, d)
	if ctx.Err() != nil {
		return ctx.Err() // stopped while sending: it is sent again
	}
	d.Attempts++
	err = l.Store.Update(ctx, func(tx *store.Tx) error {
		l.judge(&d, w, tx.Now())
		return tx.UpdateDelivery(&d)
	})
	if errors.Is(err, kigo.ErrNotFound) {
		return nil
	}
	return err
}

// judge sets what comes next: nothing after a success, another try of level sync with a
// growing pause, for a day.
func (l *Loop) judge(d *kigo.Delivery, w kigo.Webhook, now time.Time) {
	if d.Last.Code/100 == 2 {
		d.Status, d.NextAt = kigo.DeliverySucceeded, time.Time{}
		return
	}
	d.Last.Status = kigo.DeliveryFailed
	if w.Level != kigo.LevelSync || now.Sub(d.CreatedAt) > giveUpAfter {
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
