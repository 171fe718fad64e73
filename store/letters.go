package store

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/kigo-dev/kigo"
)

const letterColumns = "id, kind, recipient, subject, body, tries, next_at, until, created_at"

func scanLetter(tx *Tx, row scanner) (kigo.Letter, error) {
	var l kigo.Letter
	var sealed []byte
	if err := row.Scan(&l.ID, &l.Kind, &l.To, &l.Subject, &sealed, &l.Tries, at{&l.NextAt}, at{&l.Until}, at{&l.CreatedAt}); err != nil {
		return l, err
	}
	plain, err := tx.open("letters", l.ID, "body", sealed)
	if err != nil {
		l.Unreadable = fmt.Errorf("open letter %s: %w", l.ID, err) // one that is damaged holds up no other
	}
	l.Text = string(plain)
	return l, nil
}

// CreateLetter adds an e-mail that shall be sent at its NextAt; zero is now.
func (tx *Tx) CreateLetter(l *kigo.Letter) error {
	newID(&l.ID)
	tx.created(&l.CreatedAt, nil)
	if l.NextAt.IsZero() {
		l.NextAt = tx.now
	}
	return tx.exec("write letter", `INSERT INTO letters (id, kind, recipient, subject, body, tries, next_at, until, created_at) VALUES ($1, $2, $3, $4, $5, 0, $6, $7, $8)`,
		l.ID, l.Kind, l.To, l.Subject, tx.seal("letters", l.ID, "body", []byte(l.Text)), micros(l.NextAt), micros(l.Until), micros(l.CreatedAt))
}

// LettersBefore returns up to so many letters that shall be tried by then, the oldest first.
func (tx *Tx) LettersBefore(then time.Time, maximum int) ([]kigo.Letter, error) {
	return list(tx, "letter", scanLetter, "SELECT "+letterColumns+" FROM letters WHERE next_at <= $1 ORDER BY next_at, id LIMIT $2", micros(then), maximum)
}

// PostponeLetter writes when a letter is tried again: in a while, as it is being tried now, or
// later, as it was tried in vain.
func (tx *Tx) PostponeLetter(id string, tries int, next time.Time) error {
	return tx.execOne("letter", "postpone letter", "UPDATE letters SET tries = $2, next_at = $3 WHERE id = $1", id, tries, micros(next))
}

// DeleteLetter forgets one that was sent, or given up.
func (tx *Tx) DeleteLetter(id string) error {
	return tx.execOne("letter", "delete letter", "DELETE FROM letters WHERE id = $1", id)
}

// LetterTurn returns when the next letter of a kind may go to an address, in any case of
// letters, or be asked for by an account; zero: at once.
func (tx *Tx) LetterTurn(whom, kind string) (next time.Time, err error) {
	next, err = one(tx, "turn", func(_ *Tx, row scanner) (t time.Time, err error) { return t, row.Scan(at{&t}) },
		"SELECT next_at FROM letter_turns WHERE whom = $1 AND kind = $2 AND next_at > $3", strings.ToLower(whom), kind, micros(tx.now))
	if errors.Is(err, kigo.ErrNotFound) {
		return time.Time{}, nil
	}
	return next, err
}

// SetLetterTurn writes it. Turns that have come are forgotten.
func (tx *Tx) SetLetterTurn(whom, kind string, next time.Time) error {
	return errors.Join(tx.exec("forget turns", "DELETE FROM letter_turns WHERE next_at <= $1", micros(tx.now)),
		tx.exec("write turn", `INSERT INTO letter_turns (whom, kind, next_at) VALUES ($1, $2, $3)
			ON CONFLICT (whom, kind) DO UPDATE SET next_at = excluded.next_at`, strings.ToLower(whom), kind, micros(next)))
}
