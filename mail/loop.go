// Package mail sends the platform's letters: invitations, offers of apps, password resets, new
// addresses to confirm.
//
// It owns the letters that are written down: who asks for one writes it in the transaction of the change that
// it tells of, and the loop sends it, however often the process is killed in between: at least
// once, and tried again until it is of no use any more. A letter that the mail server refuses for
// good is given up at once. It comes twice only when a process, or the store, dies between its
// sending and the note of that, and then minutes later.
//
// Start reading at Loop.
package mail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	smtp "github.com/wneessen/go-mail"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

// Pace of the loop.
const (
	lookEvery = 2 * time.Second
	firstTry  = 10 * time.Second // after a failure, doubled up to lastTry
	lastTry   = time.Hour
	atOnce    = 20 // letters that are read at a time

	taken      = 5 * time.Minute // that a letter which is being sent rests; longer than sending it and writing that down may take
	sendWithin = 2 * time.Minute
)

// Loop sends letters. Set the fields before Run.
type Loop struct {
	Store *store.Store
	Send  func(ctx context.Context, to []string, subject, text string) error
	Reset func(ctx context.Context, from, email string) error // writes the letter for who asked for a password reset
	Log   *slog.Logger
	Every time.Duration // between looks; 0: two seconds
}

// Run sends until ctx is done.
func (l *Loop) Run(ctx context.Context) error {
	every := l.Every
	if every == 0 {
		every = lookEvery
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := l.Deliver(ctx); err != nil && ctx.Err() == nil {
			l.Log.ErrorContext(ctx, "send letters", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Deliver sends what is due, once, also what it makes of what was asked for.
func (l *Loop) Deliver(ctx context.Context) error {
	made, err := l.round(ctx)
	if made && ctx.Err() == nil {
		_, again := l.round(ctx)
		err = errors.Join(err, again)
	}
	return err
}

// round delivers what is due now; made reports that there may be more since.
func (l *Loop) round(ctx context.Context) (made bool, err error) {
	var due []kigo.Letter
	err = l.Store.View(ctx, func(tx *store.Tx) (err error) {
		due, err = tx.LettersBefore(tx.Now(), atOnce)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("read letters: %w", err)
	}
	for _, letter := range due {
		if ctx.Err() != nil {
			return made, ctx.Err()
		}
		made = made || letter.Kind == kigo.LetterAskReset
		err = errors.Join(err, l.deliver(ctx, letter))
	}
	return made, err
}

// deliver tries one letter and writes down what came of it. It takes the letter out of the
// queue for a while first: a store that fails afterwards costs at worst a second letter when
// that time is over, not one at each look.
func (l *Loop) deliver(ctx context.Context, letter kigo.Letter) error {
	if ours, err := l.take(ctx, letter); err != nil || !ours {
		return err
	}
	sending, cancel := context.WithTimeout(ctx, sendWithin)
	var sent error
	if letter.Kind == kigo.LetterAskReset {
		sent = l.Reset(sending, letter.Text, letter.To)
	} else {
		sent = l.Send(sending, []string{letter.To}, letter.Subject, letter.Text)
	}
	cancel()
	stopped := sent != nil && ctx.Err() != nil
	ctx, cancel = store.Outcome(ctx)
	defer cancel()
	if err := l.record(ctx, letter, sent, stopped); err != nil {
		return fmt.Errorf("write down what became of the letter %q to %s, which may be sent again: %w", letter.Subject, letter.To, err)
	}
	return nil
}

// errLate says that what a letter tells of is over.
var errLate = errors.New("it is of no use any more: the time for which it was of use is over")

// take keeps a letter from being tried again for a while; false: it is of no use any more,
// or gone.
func (l *Loop) take(ctx context.Context, letter kigo.Letter) (bool, error) {
	var useless error
	err := l.Store.Update(ctx, func(tx *store.Tx) error {
		if useless = letter.Unreadable; useless == nil && tx.Now().After(letter.Until) {
			useless = errLate
		}
		if useless != nil {
			return tx.DeleteLetter(letter.ID)
		}
		return tx.PostponeLetter(letter.ID, letter.Tries+1, tx.Now().Add(max(taken, wait(letter.Tries))))
	})
	if errors.Is(err, kigo.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("take letter to %s: %w", letter.To, err)
	}
	if useless != nil {
		l.Log.ErrorContext(ctx, "a letter is given up", "to", letter.To, "subject", letter.Subject, "tries", letter.Tries, "err", useless)
	}
	return useless == nil, nil
}

// record writes down what became of a letter: sent is nil, or why it was not taken.
func (l *Loop) record(ctx context.Context, letter kigo.Letter, sent error, stopped bool) error {
	var next time.Time // zero: it is done with
	err := l.Store.Update(ctx, func(tx *store.Tx) error {
		next = tx.Now().Add(wait(letter.Tries))
		switch {
		case stopped:
			return tx.PostponeLetter(letter.ID, letter.Tries, tx.Now()) // the next process tries at once
		case sent == nil || refused(sent) || next.After(letter.Until):
			next = time.Time{}
			return tx.DeleteLetter(letter.ID)
		}
		return tx.PostponeLetter(letter.ID, letter.Tries+1, next)
	})
	switch {
	case sent == nil || stopped:
	case next.IsZero():
		l.Log.ErrorContext(ctx, "a letter is given up", "to", letter.To, "subject", letter.Subject, "tries", letter.Tries+1, "err", sent)
	default:
		l.Log.WarnContext(ctx, "a letter was not taken and is tried again", "to", letter.To, "subject", letter.Subject, "at", next, "err", sent)
	}
	if errors.Is(err, kigo.ErrNotFound) {
		return nil
	}
	return err
}

// wait is how long a letter rests after so many tries and one more.
func wait(tries int) time.Duration {
	d := firstTry
	for range min(tries, 20) {
		d = min(2*d, lastTry)
	}
	return d
}

// refused reports whether the mail server said that it will never take the letter.
func refused(err error) bool {
	if errors.Is(err, errAddress) {
		return true
	}
	var send *smtp.SendError
	return errors.As(err, &send) && !send.IsTemp() && send.ErrorCode() >= 500
}
