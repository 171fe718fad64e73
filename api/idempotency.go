package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"io"
	"net/http"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

// A client that does not know whether its request arrived sends it again with the same
// Idempotency-Key, and gets the same answer without it being done twice. One that was cut
// off in the middle is told so: it may have been done.

const maxIdempotencyKey = 255

// once runs the handler of a change for the first request with its key alone.
func (c *call) once() (reply, error) {
	key := c.r.Header.Get("Idempotency-Key")
	if key == "" || c.reads() {
		return c.route.handle(c)
	}
	if len(key) > maxIdempotencyKey {
		return reply{}, kigo.Invalid("Idempotency-Key is too long: the maximum is %d bytes.", maxIdempotencyKey)
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxBody))
	if err != nil {
		return reply{}, newError(idTooLarge, "The body is too large for a request with an Idempotency-Key, or ended early.")
	}
	c.r.Body = io.NopCloser(bytes.NewReader(body))
	fingerprint := sha256.Sum256([]byte(c.r.Method + " " + c.r.URL.RequestURI() + "\n" + string(body)))
	var had store.Answer
	claimed := false
	err = c.s.Store.Update(c.ctx(), func(tx *store.Tx) (err error) {
		had, claimed, err = tx.ClaimIdempotency(c.actor.ID, key, fingerprint[:])
		return err
	})
	switch {
	case err != nil:
		return reply{}, err
	case claimed:
		return c.first(key)
	case !had.Same:
		return reply{}, kigo.Invalid("Idempotency-Key was used for another request: every request needs its own.")
	case had.Status == 0:
		return reply{}, kigo.Conflict("The first request with this Idempotency-Key has not ended, or was cut off: look whether it was done, and use another key.")
	}
	return reply{had.Status, json.RawMessage(had.Body), http.Header{"Idempotent-Replayed": {"true"}}}, nil
}

// first does what is asked and keeps the answer; of what was refused nothing is kept.
func (c *call) first(key string) (reply, error) {
	rep, err := c.route.handle(c)
	ctx := context.WithoutCancel(c.ctx()) // done is done, whether the client still waits or not
	if _, refused := kigo.AsError(err); refused {
		if derr := c.s.Store.Update(ctx, func(tx *store.Tx) error { return tx.DropIdempotency(c.actor.ID, key) }); derr != nil {
			c.s.Log.WarnContext(ctx, "free idempotency key", "err", derr)
		}
		return rep, err
	}
	if err != nil || rep.status == 0 {
		return rep, err
	}
	shown := rep.body
	if c.sdk() {
		if shown, err = enrich(shown); err != nil {
			return reply{}, err
		}
	}
	data, err := json.Marshal(shown)
	if err != nil {
		return reply{}, err
	}
	err = c.s.Store.Update(ctx, func(tx *store.Tx) error { return tx.SaveIdempotency(c.actor.ID, key, rep.status, data) })
	if err != nil { // what was asked is done: the key stays one whose request has not ended
		c.s.Log.WarnContext(ctx, "keep the answer of an idempotency key", "err", err)
	}
	return rep, nil
}
