package store

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/kigo-dev/kigo"
)

// Answer is what was answered to a request with an Idempotency-Key.
type Answer struct {
	Same   bool // the request was the same one
	Status int  // 0: it has not been answered
	Body   []byte
}

// idempotencyLife is how long answers are kept.
const idempotencyLife = 24 * time.Hour

// ClaimIdempotency takes a key for a request, by its fingerprint. It reports false and the
// answer of the request that has the key already.
func (tx *Tx) ClaimIdempotency(account kigo.AccountID, key string, fingerprint []byte) (a Answer, claimed bool, err error) {
	if err := tx.exec("forget answers", "DELETE FROM idempotency WHERE created_at < $1", micros(tx.now.Add(-idempotencyLife))); err != nil {
		return a, false, err
	}
	var had, sealed []byte
	_, err = one(tx, "answer", func(_ *Tx, row scanner) (struct{}, error) { return struct{}{}, row.Scan(&had, &a.Status, &sealed) },
		"SELECT fingerprint, status, body FROM idempotency WHERE account_id = $1 AND key = $2", string(account), key)
	if errors.Is(err, kigo.ErrNotFound) {
		return a, true, tx.exec("claim key", "INSERT INTO idempotency (account_id, key, fingerprint, status, created_at) VALUES ($1, $2, $3, 0, $4)",
			string(account), key, fingerprint, micros(tx.now))
	}
	if err != nil {
		return a, false, err
	}
	a.Same = bytes.Equal(had, fingerprint)
	if a.Status != 0 {
		if a.Body, err = tx.open("idempotency", string(account)+"/"+key, "body", sealed); err != nil {
			return a, false, fmt.Errorf("open answer: %w", err)
		}
	}
	return a, false, nil
}

// SaveIdempotency keeps the answer to the request that has the key.
func (tx *Tx) SaveIdempotency(account kigo.AccountID, key string, status int, body []byte) error {
	return tx.execOne("answer", "keep answer", "UPDATE idempotency SET status = $3, body = $4 WHERE account_id = $1 AND key = $2",
		string(account), key, status, tx.seal("idempotency", string(account)+"/"+key, "body", body))
}

// DropIdempotency frees the key of a request that was refused: nothing was done.
func (tx *Tx) DropIdempotency(account kigo.AccountID, key string) error {
	return tx.exec("free key", "DELETE FROM idempotency WHERE account_id = $1 AND key = $2", string(account), key)
}
