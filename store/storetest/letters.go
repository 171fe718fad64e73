package storetest

import (
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

func testLetters(t *testing.T, f *fixture) {
	first := kigo.Letter{To: "ada@example.com", Subject: "one", Text: "a token", Until: moment.Add(time.Hour)}
	second := kigo.Letter{Kind: kigo.LetterAskReset, To: "bob@example.com", Subject: "two", Text: "another", Until: moment.Add(time.Hour)}
	f.update(t, func(tx *store.Tx) error { return tx.CreateLetter(&first) })
	f.update(t, func(tx *store.Tx) error { return tx.CreateLetter(&second) })
	due := func(after time.Duration) []kigo.Letter {
		return get(t, f, func(tx *store.Tx) ([]kigo.Letter, error) { return tx.LettersBefore(tx.Now().Add(after), 10) })
	}
	same(t, "both are due", due(0), []kigo.Letter{first, second})
	later := first.NextAt.Add(time.Hour)
	f.update(t, func(tx *store.Tx) error { return tx.PostponeLetter(first.ID, 1, later) })
	same(t, "one is put off", due(0), []kigo.Letter{second})
	first.Tries, first.NextAt = 1, later
	same(t, "and due later", due(2*time.Hour), []kigo.Letter{second, first})
	f.update(t, func(tx *store.Tx) error { return tx.DeleteLetter(second.ID) })
	same(t, "what was sent is gone", due(2*time.Hour), []kigo.Letter{first})
}

func testLetterTurns(t *testing.T, f *fixture) {
	turn := func(whom, kind string) time.Time {
		return get(t, f, func(tx *store.Tx) (time.Time, error) { return tx.LetterTurn(whom, kind) })
	}
	same(t, "nobody waits at first", turn("ada@example.com", "one"), time.Time{})
	var next time.Time
	set := func(whom string, wait time.Duration) {
		f.update(t, func(tx *store.Tx) error {
			next = tx.Now().Add(wait)
			return tx.SetLetterTurn(whom, "one", next)
		})
	}
	set("Ada@example.com", time.Hour)
	same(t, "in any case of letters", turn("ada@EXAMPLE.com", "one"), next)
	same(t, "of another kind", turn("ada@example.com", "two"), time.Time{})
	set("ada@example.com", 2*time.Hour)
	same(t, "set again", turn("ada@example.com", "one"), next)
	set("ada@example.com", -time.Hour)
	same(t, "what has passed", turn("ada@example.com", "one"), time.Time{})
}
