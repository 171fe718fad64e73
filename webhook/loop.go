// Package webhook tells addresses that users named what happens to their apps.
//
// It owns deliveries. Its two halves meet in the store: one reads the platform's events in
// order and writes down what each webhook shall be told, with the place where it has read up
// to, in one transaction; the other sends what is written down. Either may be killed at any
// instant: each event reaches each webhook at least once, with the same ids when it comes
// twice. Level sync is tried again, in order, for a day; level notify once.
//
// What a receiver answers is never kept but for the status.
//
// Start reading at Loop.
package webhook

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/outbound"
	"github.com/kigo-dev/kigo/store"
)

// Limits of deliveries.
const (
	sendTimeout = 30 * time.Second
	giveUpAfter = 24 * time.Hour
	keep        = 7 * 24 * time.Hour // events and deliveries
	resync      = 30 * time.Second
	failedPause = 5 * time.Second // after a store that refused
	savePlace   = 500             // events that concern nobody, until the place is written down
)

// placeKey names where the reading half is, in the store.
const placeKey = "webhooks.revision"

// Loop does both halves. Set the fields before Run.
type Loop struct {
	Store    *store.Store
	Outbound outbound.Policy
	Roots    *x509.CertPool                                                             // trusted receivers; nil: the system's
	Peek     func(ctx context.Context, owner kigo.Account, path string) ([]byte, error) // what the API shows at a path
	Log      *slog.Logger
	FirstTry time.Duration // after a failure; default 10 s, doubled up to LastTry
	LastTry  time.Duration // default 1 h
	Timeout  time.Duration // of a delivery, to the end of the answer; default 30 s

	client    *http.Client
	hint      chan struct{}
	place     int64
	unsaved   int
	unwritten sync.Map // by webhook, the delivery that was tried and whose outcome the store did not take
}

// Run works until ctx is done.
func (l *Loop) Run(ctx context.Context) error {
	l.hint = make(chan struct{}, 1)
	if l.FirstTry == 0 {
		l.FirstTry = 10 * time.Second
	}
	if l.LastTry == 0 {
		l.LastTry = time.Hour
	}
	if l.Timeout == 0 {
		l.Timeout = sendTimeout
	}
	l.client = l.Outbound.Client(l.Roots, l.Timeout)
	defer l.client.CloseIdleConnections()
	if err := l.findPlace(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { l.send(ctx) })
	err := l.Store.Follow(ctx, l.place, func(e kigo.Event) error { return l.take(ctx, e) })
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// findPlace reads where the last run was; the first one begins where the oldest webhook
// does.
func (l *Loop) findPlace(ctx context.Context) error {
	return l.Store.Update(ctx, func(tx *store.Tx) (err error) {
		if l.place, err = readPlace(tx); !errors.Is(err, kigo.ErrNotFound) {
			return err
		}
		if l.place, err = tx.WebhooksSince(); err != nil {
			return err
		}
		return tx.PutMeta(placeKey, strconv.FormatInt(l.place, 10))
	})
}

// readPlace is the revision of the last event that was read, as it was written down.
func readPlace(tx *store.Tx) (int64, error) {
	text, err := tx.Meta(placeKey)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(text, 10, 64)
}

// take writes down what an event means for webhooks. A store that is away is asked again:
// no event is left out.
func (l *Loop) take(ctx context.Context, e kigo.Event) error {
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, failedPause) {
		err := l.publish(ctx, e)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		l.Log.Warn("publish event to webhooks", "revision", e.Revision, "kind", e.Kind, "err", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

func (l *Loop) publish(ctx context.Context, e kigo.Event) error {
	wanted, err := l.wanted(ctx, e)
	if err != nil {
		return err
	}
	if len(wanted) == 0 {
		if e.Kind == "webhook.ping" {
			l.mark()
		}
		if l.unsaved++; l.unsaved < savePlace {
			return nil
		}
	}
	var payload []byte
	if len(wanted) > 0 {
		if payload, err = l.payload(ctx, e); err != nil {
			return err
		}
	}
	err = l.Store.Update(ctx, func(tx *store.Tx) error {
		if payload != nil {
			if err := write(tx, e, wanted, payload); err != nil {
				return err
			}
		}
		return tx.PutMeta(placeKey, strconv.FormatInt(e.Revision, 10))
	})
	if err == nil {
		l.unsaved = 0
		l.mark()
	}
	return err
}

// wanted are the webhooks that an event is for.
func (l *Loop) wanted(ctx context.Context, e kigo.Event) (hooks []kigo.Webhook, err error) {
	include := kigo.IncludeOf(e)
	if e.App == "" || include == "" {
		return nil, nil
	}
	err = l.Store.View(ctx, func(tx *store.Tx) error {
		all, err := tx.Webhooks(e.App)
		for _, w := range all {
			if e.Revision <= w.Since {
				continue
			}
			if w.Unreadable != nil {
				l.Log.Warn("a webhook is told nothing any more", "webhook", w.ID, "err", w.Unreadable)
				continue
			}
			for _, i := range w.Include {
				if i == include {
					hooks = append(hooks, w)
				}
			}
		}
		return err
	})
	return hooks, err
}

// write puts the event and a delivery for each webhook into the store. Their ids follow
// from the event, so that a second time changes nothing.
func write(tx *store.Tx, e kigo.Event, hooks []kigo.Webhook, payload []byte) error {
	event := kigo.WebhookEvent{ID: eventID(e), App: e.App, Seq: e.Revision, Include: kigo.IncludeOf(e), Payload: payload, CreatedAt: e.At}
	if err := tx.PutWebhookEvent(&event); err != nil {
		return err
	}
	for _, w := range hooks {
		if _, err := tx.Webhook(w.ID); errors.Is(err, kigo.ErrNotFound) {
			continue // removed meanwhile
		}
		d := kigo.Delivery{ID: deliveryID(e, w), App: e.App, Webhook: w.ID, Event: event.ID, Seq: e.Revision, Status: kigo.DeliveryPending, NextAt: tx.Now()}
		if err := tx.PutDelivery(&d); err != nil {
			return err
		}
	}
	return nil
}

// mark hints that there is something to send.
func (l *Loop) mark() {
	select {
	case l.hint <- struct{}{}:
	default:
	}
}
