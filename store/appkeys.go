package store

import (
	"errors"
	"fmt"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/secret"
)

// What belongs to an app is sealed with a key of its own, which is kept sealed with the
// master key. It is made with the app's first secret, in the same transaction, and goes
// with the app, or with the last of its webhooks if they stay longer. Rows from before that
// are sealed with the master key itself: they are opened as they are, and are sealed with the
// app's key when they are written again.

// keyColumn is one more column of a SELECT from a table of rows that belong to apps: the
// app's key, as openOf takes it.
func keyColumn(table string) string {
	return ", (SELECT sealed FROM app_keys WHERE app_keys.app_id = " + table + ".app_id)"
}

// sealOf encrypts a value of an app for "table|row|field".
func (tx *Tx) sealOf(app kigo.AppID, table, row, field string, plain []byte) ([]byte, error) {
	k, err := tx.keyOf(app)
	if err != nil {
		return nil, err
	}
	return k.Seal(table+"|"+row+"|"+field, plain), nil
}

// openOf decrypts a value of an app, whose key as it is kept is given.
func (tx *Tx) openOf(app kigo.AppID, sealedKey []byte, table, row, field string, record []byte) ([]byte, error) {
	if !secret.ByDataKey(record) {
		return tx.open(table, row, field, record)
	}
	k := tx.keys[app]
	if k == nil {
		var err error
		if k, err = tx.box.DataKey(keyPlace(app), sealedKey); err != nil {
			return nil, fmt.Errorf("open key of app %s: %w", app, err)
		}
		tx.keep(app, k)
	}
	return k.Open(table+"|"+row+"|"+field, record)
}

func keyPlace(app kigo.AppID) string { return "app_keys|" + string(app) + "|sealed" }

func (tx *Tx) keep(app kigo.AppID, k *secret.DataKey) {
	if tx.keys == nil {
		tx.keys = map[kigo.AppID]*secret.DataKey{}
	}
	tx.keys[app] = k
}

// keyOf returns an app's key, and makes it when there is none yet.
func (tx *Tx) keyOf(app kigo.AppID) (*secret.DataKey, error) {
	if k := tx.keys[app]; k != nil {
		return k, nil
	}
	sealed, err := tx.sealedKey(app)
	if errors.Is(err, kigo.ErrNotFound) {
		// Of two that make one at once, the first one's counts.
		if err := tx.exec("make key of app", "INSERT INTO app_keys (app_id, sealed, created_at) VALUES ($1, $2, $3) ON CONFLICT (app_id) DO NOTHING",
			string(app), tx.box.NewDataKey(keyPlace(app)), micros(tx.now)); err != nil {
			return nil, err
		}
		sealed, err = tx.sealedKey(app)
	}
	if err != nil {
		return nil, err
	}
	k, err := tx.box.DataKey(keyPlace(app), sealed)
	if err != nil {
		return nil, fmt.Errorf("open key of app %s: %w", app, err)
	}
	tx.keep(app, k)
	return k, nil
}

// unused are the keys of apps that have gone and have left nothing that is sealed.
const unused = "app_id NOT IN (SELECT id FROM apps) AND app_id NOT IN (SELECT app_id FROM webhooks)"

func (tx *Tx) dropKey(app kigo.AppID) error {
	return tx.exec("delete key of app", "DELETE FROM app_keys WHERE app_id = $1 AND "+unused, string(app))
}

func (tx *Tx) sealedKey(app kigo.AppID) ([]byte, error) {
	return one(tx, "key of app", func(_ *Tx, row scanner) (b []byte, err error) {
		err = row.Scan(&b)
		return b, err
	}, "SELECT sealed FROM app_keys WHERE app_id = $1", string(app))
}
