package webhook

import (
	"context"
	"database/sql"
	"net/http"
	"testing"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

// waiting is the one delivery of an app.
func (s *site) waiting(app kigo.AppID) (d kigo.Delivery) {
	s.t.Helper()
	must(s.t, s.store.View(s.t.Context(), func(tx *store.Tx) error {
		all, err := tx.Deliveries(app)
		if len(all) > 0 {
			d = all[0]
		}
		return err
	}))
	return d
}

// publish writes deliveries down, and returns a loop that sends none of them by itself.
func (s *site) publish(app kigo.AppID) *Loop {
	s.t.Helper()
	l := s.loop()
	l.client, l.hint = l.Outbound.Client(l.Roots, sendTimeout), make(chan struct{}, 1)
	s.t.Cleanup(l.client.CloseIdleConnections)
	must(s.t, l.findPlace(s.t.Context()))
	s.change(app, 0)
	ctx, cancel := context.WithCancel(s.t.Context())
	defer cancel()
	_ = s.store.Follow(ctx, l.place, func(e kigo.Event) error {
		must(s.t, l.take(ctx, e))
		if s.waiting(app).ID != "" {
			cancel()
		}
		return nil
	})
	return l
}

func TestADeliveryWhoseOutcomeTheStoreRefusesIsNotSentAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	app := s.app("myapp", kigo.LevelNotify, "/fine")
	l := s.publish(app)
	db, err := sql.Open("sqlite", s.path)
	must(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), "CREATE TRIGGER broken BEFORE UPDATE ON webhook_deliveries BEGIN SELECT RAISE(ABORT, 'no'); END")
	must(t, err)
	hook := s.waiting(app).Webhook
	for range 3 {
		if err := l.attempt(t.Context(), hook); err == nil {
			t.Error("a store that refuses is no error")
		}
	}
	_, err = db.ExecContext(t.Context(), "DROP TRIGGER broken")
	must(t, err)
	must(t, l.attempt(t.Context(), hook))
	if d, n := s.waiting(app), len(s.at("/fine")); n != 1 || d.Status != kigo.DeliverySucceeded || d.Attempts != 1 {
		t.Errorf("it was sent %d times, and is %+v", n, d)
	}
}

func TestADeliveryThatWasTakenWhenTheProcessEndsIsNotSentAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	app := s.app("myapp", kigo.LevelSync, "/fine")
	l := s.publish(app)
	ctx, cancel := context.WithCancel(t.Context())
	l.client.Transport = then{l.client.Transport, cancel}
	must(t, l.attempt(ctx, s.waiting(app).Webhook))
	if d := s.waiting(app); d.Status != kigo.DeliverySucceeded || len(s.at("/fine")) != 1 {
		t.Errorf("it is %+v", d)
	}
}

// then does something when the answer's head is there.
type then struct {
	http.RoundTripper
	do func()
}

func (t then) RoundTrip(r *http.Request) (*http.Response, error) {
	defer t.do()
	return t.RoundTripper.RoundTrip(r)
}
