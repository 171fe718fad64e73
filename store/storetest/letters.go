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
