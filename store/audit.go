package store

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kigo-dev/kigo"
)

// chain is the hash of an event: over the hash of the one before it and all that it
// says. It is keyed with the platform's master key, so that who can write to the
// database alone cannot make a chain that fits.
func (tx *Tx) chain(before string, e kigo.Event) string {
	return chainBy(tx.box.Derive(auditPurpose), before, e)
}

const (
	auditPurpose  = "audit"
	anchorPurpose = "audit anchor"
)

func chainBy(key []byte, before string, e kigo.Event) string {
	text, err := json.Marshal([]any{before, e.Revision, micros(e.At), e.Kind, e.App, e.Key, e.Actor, e.Origin, string(e.Payload)})
	if err != nil {
		panic("marshal event: " + err.Error()) // strings and numbers
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(text)
	return hex.EncodeToString(mac.Sum(nil))
}

// anchorKey names where the chain begins after events have been trimmed, in the store.
const anchorKey = "audit.anchor"

// anchor is the revision and the hash of the newest event that was trimmed, 0 and empty
// when none was. It is keyed as the chain is; trouble says that it was changed.
func (tx *Tx) anchor() (revision int64, hash, trouble string, err error) {
	text, err := tx.Meta(anchorKey)
	if errors.Is(err, kigo.ErrNotFound) {
		return 0, "", "", nil
	}
	if err != nil {
		return 0, "", "", err
	}
	var mac string
	n, _ := fmt.Sscan(text, &revision, &hash, &mac)
	fits := func(key []byte) bool { return hmac.Equal([]byte(mac), []byte(anchorMAC(key, revision, hash))) }
	if n != 3 || !slices.ContainsFunc(tx.box.DeriveAll(anchorPurpose), fits) {
		return 0, "", "the record of where older events were removed is not as it was written", nil
	}
	return revision, strings.TrimPrefix(hash, "-"), "", nil
}

func anchorMAC(key []byte, revision int64, hash string) string {
	mac := hmac.New(sha256.New, key)
	fmt.Fprint(mac, revision, " ", hash)
	return hex.EncodeToString(mac.Sum(nil))
}

// TrimEvents removes up to n of the oldest events that are older than a moment and keeps
// where the chain goes on, so that what is left can still be verified. It returns how many
// it removed.
func (tx *Tx) TrimEvents(before time.Time, n int) (removed int, err error) {
	type end struct {
		revision int64
		hash     string
	}
	all, err := list(tx, "event", func(_ *Tx, row scanner) (e end, err error) {
		err = row.Scan(&e.revision, &e.hash)
		return e, err
	}, `SELECT revision, hash FROM events WHERE at < $1 AND revision < (SELECT n FROM revision)
		AND revision < COALESCE((SELECT MIN(revision) FROM events WHERE at >= $1), (SELECT n FROM revision)) ORDER BY revision LIMIT $2`, micros(before), n)
	if err != nil || len(all) == 0 {
		return 0, err
	}
	last := all[len(all)-1]
	hash := "-" + last.hash
	return len(all), errors.Join(tx.exec("trim events", "DELETE FROM events WHERE revision <= $1", last.revision),
		tx.PutMeta(anchorKey, fmt.Sprint(last.revision, " ", hash, " ", anchorMAC(tx.box.Derive(anchorPurpose), last.revision, hash))))
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
	last, before, trouble, err := tx.anchor()
	if err != nil || trouble != "" {
		return Verified{Trouble: trouble}, err
	}
	// Of several master keys the last one is the oldest. Once a newer one was used, no older
	// one counts: whoever has got hold of an old key cannot go on with the chain. It is no
	// protection against who has an old key and may write all of the database: such a one can
	// make the whole chain anew.
	keys := tx.box.DeriveAll(auditPurpose)
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
			use := len(keys)
			for use > 0 && e.hash != chainBy(keys[use-1], before, e.Event) {
				use--
			}
			switch {
			case e.Revision != last+1:
				v.Trouble = fmt.Sprintf("events %d to %d are missing", last+1, e.Revision-1)
			case e.hash == "" && before == "":
				v.Before++
			case use == 0:
				v.Trouble = fmt.Sprintf("event %d (%s) is not as it was written, or what came before it is not", e.Revision, e.Kind)
			default:
				v.Events++
				keys = keys[:use]
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
