package store

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/kigo-dev/kigo"
)

// Emit records an event with the transaction's change and gives it the next
// revision. Its At is the transaction's moment when it is zero.
func (tx *Tx) Emit(e kigo.Event) error {
	if e.At.IsZero() {
		e.At = tx.now
	}
	if e.Payload == nil {
		e.Payload = json.RawMessage("{}")
	}
	var before string
	if err := tx.tx.QueryRowContext(tx.ctx, "UPDATE revision SET n = n + 1 RETURNING n, hash").Scan(&e.Revision, &before); err != nil {
		return fmt.Errorf("count revision: %w", err)
	}
	tx.emitted = true
	hash := tx.chain(before, e)
	if err := tx.exec("chain event", "UPDATE revision SET hash = $1", hash); err != nil {
		return err
	}
	return tx.exec("emit event", `INSERT INTO events (revision, at, kind, app_id, key, actor, payload, origin, hash)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		e.Revision, micros(e.At), e.Kind, string(e.App), e.Key, e.Actor, string(e.Payload), e.Origin, hash)
}

// EventsAfter returns up to n events that follow a revision, in order.
func (tx *Tx) EventsAfter(revision int64, n int) ([]kigo.Event, error) {
	return list(tx, "event", scanEvent, `SELECT revision, at, kind, app_id, key, actor, payload, origin
		FROM events WHERE revision > $1 ORDER BY revision LIMIT $2`, revision, n)
}

// Revision is the newest event's number, 0 before the first.
func (tx *Tx) Revision() (int64, error) {
	var n int64
	if err := tx.tx.QueryRowContext(tx.ctx, "SELECT n FROM revision").Scan(&n); err != nil {
		return 0, fmt.Errorf("read revision: %w", err)
	}
	return n, nil
}

func scanEvent(_ *Tx, row scanner) (kigo.Event, error) {
	var e kigo.Event
	var payload string
	err := row.Scan(&e.Revision, at{&e.At}, &e.Kind, &e.App, &e.Key, &e.Actor, &payload, &e.Origin)
	e.Payload = json.RawMessage(payload)
	return e, err
}

// Meta reads a value of the platform itself, such as a loop's last revision.
func (tx *Tx) Meta(key string) (string, error) {
	return one(tx, "setting", func(_ *Tx, row scanner) (v string, err error) {
		err = row.Scan(&v)
		return v, err
	}, "SELECT value FROM meta WHERE key = $1", key)
}

// PutMeta writes such a value.
func (tx *Tx) PutMeta(key, value string) error {
	return tx.exec("write setting", `INSERT INTO meta (key, value) VALUES ($1, $2)
		ON CONFLICT (key) DO UPDATE SET value = excluded.value`, key, value)
}

// followBatch is how many events Follow reads at once.
const followBatch = 500

// Follow calls f with each event after a revision, in order, until ctx is done or
// f fails; it returns that error. A database that is away for a while only delays it.
func (s *Store) Follow(ctx context.Context, after int64, f func(kigo.Event) error) error {
	poll := time.NewTicker(s.dialect.poll)
	defer poll.Stop()
	for {
		woken := s.wake.wait() // before reading: what comes meanwhile wakes us
		events, err := s.eventsAfter(ctx, after)
		if err != nil && ctx.Err() == nil {
			s.options.Log.Warn("read events", "after", after, "error", err)
		}
		for _, e := range events {
			if err := f(e); err != nil {
				return err
			}
			after = e.Revision
		}
		if len(events) == followBatch {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-woken:
		case <-poll.C:
		}
	}
}

func (s *Store) eventsAfter(ctx context.Context, after int64) (events []kigo.Event, err error) {
	err = s.View(ctx, func(tx *Tx) error {
		events, err = tx.EventsAfter(after, followBatch)
		return err
	})
	return events, err
}

// broadcast wakes everybody who waits. The zero value is ready.
type broadcast struct {
	mu sync.Mutex
	ch chan struct{}
}

// wait returns a channel that the next signal closes.
func (b *broadcast) wait() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch == nil {
		b.ch = make(chan struct{})
	}
	return b.ch
}

func (b *broadcast) signal() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch != nil {
		close(b.ch)
		b.ch = nil
	}
}

func encode(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func decode(s string) ([]byte, error) { return base64.StdEncoding.DecodeString(s) }
