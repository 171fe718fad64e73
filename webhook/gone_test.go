package webhook

import (
	"database/sql"
	"testing"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

// destroy ends an app, and forgets it as the platform does when all of it is cleaned up.
func (s *site) destroy(app kigo.AppID) {
	s.t.Helper()
	_, err := s.control.DestroyApp(s.t.Context(), s.actor, app)
	must(s.t, err)
	must(s.t, s.control.FinishDestroy(s.t.Context(), app))
}

// The last delivery is of the app's end. What was not read or sent by then still is.
func TestAnAppThatIsGoneIsToldOfToTheLast(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	gone, other := s.app("gone", kigo.LevelSync, "/gone"), s.app("other", kigo.LevelSync, "/other")
	s.change(gone, 0)
	s.destroy(gone)
	s.change(other, 0)
	stop := s.run()
	until(t, "the other app's delivery", func() bool { return len(s.at("/other")) == 1 })
	until(t, "the change and the end, written down", func() bool {
		var all []kigo.Delivery
		must(t, s.store.View(t.Context(), func(tx *store.Tx) (err error) {
			all, err = tx.Deliveries(gone)
			return err
		}))
		return len(all) == 2 && all[0].Status == kigo.DeliverySucceeded && all[1].Status == kigo.DeliverySucceeded
	})
	if n := len(s.at("/gone")); n != 2 {
		t.Errorf("%d deliveries of the app that is gone", n)
	}
	stop()

	db, err := sql.Open("sqlite", s.path)
	must(t, err)
	defer db.Close()
	keys := func() (n int) {
		must(t, db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM app_keys").Scan(&n))
		return n
	}
	if n := keys(); n != 2 {
		t.Errorf("%d keys before the webhook is forgotten", n)
	}
	must(t, s.store.Update(t.Context(), trim))
	if n := keys(); n != 1 {
		t.Errorf("%d keys: that of the app stayed", n)
	}
}

// A webhook that cannot be read any more holds up no other.
func TestADamagedWebhookIsGivenUp(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	bad, other := s.app("bad", kigo.LevelSync, "/bad"), s.app("other", kigo.LevelSync, "/other")
	l := s.publish(bad)
	db, err := sql.Open("sqlite", s.path)
	must(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), "UPDATE app_keys SET sealed = x'00' WHERE app_id = ?", string(bad))
	must(t, err)
	must(t, l.attempt(t.Context(), s.waiting(bad).Webhook))
	if d := s.waiting(bad); d.Status != kigo.DeliveryFailed || d.Last.Error != "Unreadable" {
		t.Errorf("it is %+v", d)
	}
	s.change(bad, 1)
	s.change(other, 0)
	defer s.run()()
	until(t, "the other app's delivery", func() bool { return len(s.at("/other")) == 1 })
	if n := len(s.at("/bad")); n != 0 {
		t.Errorf("%d deliveries of the damaged one", n)
	}
}
