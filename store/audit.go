package store

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/kigo-dev/kigo"
)

// chain is the hash of an event: over the hash of the one before it and all that it
// says. It is keyed with the platform's master key, so that who can write to the
// database alone cannot make a chain that fits.
func (tx *Tx) chain(before string, e kigo.Event) string {
	text, err := json.Marshal([]any{before, e.Revision, micros(e.At), e.Kind, e.App, e.Key, e.Actor, e.Origin, string(e.Payload)})
	if err != nil {
		panic("marshal event: " + err.Error()) // strings and numbers
	}
	mac := hmac.New(sha256.New, tx.box.Derive("audit"))
	mac.Write(text)
	return hex.EncodeToString(mac.Sum(nil))
}

// Verified is what VerifyAudit found.
type Verified struct {
	Events  int64  // in the chain, and right
	Before  int64  // older than the chain: from before events had one
	Trouble string // what does not fit; empty: nothing
}

// VerifyAudit goes through all events and says whether each is as it was written
// and none is missing. It stops at the first that does not fit.
func (s *Store) VerifyAudit(ctx context.Context) (v Verified, err error) {
	err = s.View(ctx, func(tx *Tx) error {
		v, err = tx.verify()
		return err
	})
	return v, err
}

func (tx *Tx) verify() (v Verified, err error) {
	type row struct {
		kigo.Event
		hash string
	}
	var last int64
	before := ""
	for {
		rows, err := list(tx, "event", func(_ *Tx, r scanner) (row, error) {
			var e row
			var payload string
			err := r.Scan(&e.Revision, at{&e.At}, &e.Kind, &e.App, &e.Key, &e.Actor, &payload, &e.Origin, &e.hash)
			e.Payload = json.RawMessage(payload)
			return e, err
		}, `SELECT revision, at, kind, app_id, key, actor, payload, origin, hash FROM events WHERE revision > $1 ORDER BY revision LIMIT $2`, last, followBatch)
		if err != nil {
			return v, err
		}
		for _, e := range rows {
			switch {
			case e.Revision != last+1:
				v.Trouble = fmt.Sprintf("events %d to %d are missing", last+1, e.Revision-1)
			case e.hash == "" && before == "":
				v.Before++
			case e.hash != tx.chain(before, e.Event):
				v.Trouble = fmt.Sprintf("event %d (%s) is not as it was written, or what came before it is not", e.Revision, e.Kind)
			default:
				v.Events++
			}
			if v.Trouble != "" {
				return v, nil
			}
			last, before = e.Revision, e.hash
		}
		if len(rows) < followBatch {
			break
		}
	}
	var n int64
	var end string
	if err := tx.tx.QueryRowContext(tx.ctx, "SELECT n, hash FROM revision").Scan(&n, &end); err != nil {
		return v, fmt.Errorf("read revision: %w", err)
	}
	if n != last || end != before {
		v.Trouble = fmt.Sprintf("the newest events are missing: %d were written, the last that is there is %d", n, last)
	}
	return v, nil
}
