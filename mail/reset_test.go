package mail_test

import (
	"context"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

// events are those since a revision.
func (s *site) events(after int64) (all []kigo.Event) {
	s.Helper()
	s.must(s.Store.View(s.Context(), func(tx *store.Tx) (err error) {
		all, err = tx.EventsAfter(after, 1000)
		return err
	}))
	return all
}

// TestAskingForAResetDoesTheSameForEveryAddress: what it writes is alike for who has an
// account, for who has none and for who was sent a reset just now, so that neither the answer
// nor its time tells which.
func TestAskingForAResetDoesTheSameForEveryAddress(t *testing.T) {
	s := newSite(t)
	before := len(s.events(0))
	asked := []string{"bob@example.com", "nobody@example.com", "bob@example.com"}
	for _, email := range asked {
		s.must(s.AskReset(t.Context(), "10.1.2.3 id", email))
	}
	waiting := s.waiting(0)
	for i, l := range waiting {
		if l.Kind != kigo.LetterAskReset || l.To != asked[i] || l.Text != "10.1.2.3 id" {
			t.Errorf("%+v", l)
		}
	}
	if n := len(s.events(0)) - before; len(waiting) != len(asked) || n != 0 {
		t.Errorf("%d rows and %d events for %d that were asked for", len(waiting), n, len(asked))
	}
	s.must(s.loop.Deliver(t.Context()))
	if n := len(s.letters()); n != 1 {
		t.Errorf("%d letters", n)
	}
	var told []kigo.Event
	for _, e := range s.events(0)[before:] {
		told = append(told, e)
		if e.Actor != "bob@example.com" || e.Origin != "10.1.2.3 id" || e.Kind != "account.reset" {
			t.Errorf("the audit says %+v", e)
		}
	}
	if len(told) != 1 || len(s.waiting(1000*time.Hour)) != 0 {
		t.Errorf("%d events, %d wait", len(told), len(s.waiting(1000*time.Hour)))
	}
}

func TestTheAuditNamesWhoUsedAOneTimeToken(t *testing.T) {
	s := newSite(t)
	before := len(s.events(0))
	s.must(s.AskReset(t.Context(), "here", "BOB@example.com"))
	_, err := s.FinishReset(t.Context(), "here", s.mailed("kigo password:reset"), password)
	s.must(err)
	s.must(s.AskEmail(t.Context(), s.bob, "robert@example.com", password))
	_, err = s.FinishEmail(t.Context(), "here", s.mailed("kigo email:confirm"))
	s.must(err)
	all := s.events(0)[before:]
	for _, e := range all {
		if e.Actor != "bob@example.com" {
			t.Errorf("%s by %q", e.Kind, e.Actor)
		}
	}
	if len(all) < 4 {
		t.Errorf("only %d events", len(all))
	}
}

func TestAResetThatCannotBeMadeIsTriedAgain(t *testing.T) {
	s := newSite(t)
	s.loop.Reset = func(context.Context, string, string) error { return context.DeadlineExceeded }
	s.must(s.AskReset(t.Context(), "here", "bob@example.com"))
	s.must(s.loop.Deliver(t.Context()))
	if w := s.waiting(time.Minute); len(w) != 1 || w[0].Tries != 1 {
		t.Errorf("%+v", w)
	}
}
