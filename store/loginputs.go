package store

import (
	"github.com/kigo-dev/kigo"
)

const logInputColumns = "id, app_id, name, created_at"

func scanLogInput(_ *Tx, row scanner) (kigo.LogInput, error) {
	var in kigo.LogInput
	err := row.Scan(&in.ID, &in.App, &in.Name, at{&in.CreatedAt})
	return in, err
}

// CreateLogInput adds an input with its token's hash. A name that the app has
// already is ErrTaken.
func (tx *Tx) CreateLogInput(in *kigo.LogInput, tokenHash []byte) error {
	newID(&in.ID)
	tx.created(&in.CreatedAt, nil)
	return tx.exec("create log input", `INSERT INTO log_inputs (id, app_id, name, token_hash, created_at) VALUES ($1, $2, $3, $4, $5)`,
		in.ID, string(in.App), in.Name, tokenHash, micros(in.CreatedAt))
}

// LogInputs returns an app's inputs, by name.
func (tx *Tx) LogInputs(app kigo.AppID) ([]kigo.LogInput, error) {
	return list(tx, "log input", scanLogInput, "SELECT "+logInputColumns+" FROM log_inputs WHERE app_id = $1 ORDER BY name", string(app))
}

// LogInputByToken returns the input whose token has that hash.
func (tx *Tx) LogInputByToken(hash []byte) (kigo.LogInput, error) {
	return one(tx, "log input", scanLogInput, "SELECT "+logInputColumns+" FROM log_inputs WHERE token_hash = $1", hash)
}

// DeleteLogInput removes an input, and with it its token.
func (tx *Tx) DeleteLogInput(id string) error {
	return tx.execOne("log input", "delete log input", "DELETE FROM log_inputs WHERE id = $1", id)
}

// LogRetention returns how much of an app's log is kept.
func (tx *Tx) LogRetention(app kigo.AppID) (kigo.LogRetention, error) {
	all, err := tx.retentions(" WHERE app_id = $1", string(app))
	if r, set := all[app]; set {
		return r, err
	}
	return kigo.DefaultRetention, err
}

// LogRetentions returns what differs from the default.
func (tx *Tx) LogRetentions() (map[kigo.AppID]kigo.LogRetention, error) { return tx.retentions("") }

func (tx *Tx) retentions(where string, args ...any) (map[kigo.AppID]kigo.LogRetention, error) {
	type row struct {
		app kigo.AppID
		r   kigo.LogRetention
	}
	rows, err := list(tx, "log retention", func(_ *Tx, s scanner) (v row, err error) {
		err = s.Scan(&v.app, &v.r.Lines, &v.r.Bytes, &v.r.Age)
		return v, err
	}, "SELECT app_id, lines, bytes, age FROM log_retention"+where, args...)
	all := make(map[kigo.AppID]kigo.LogRetention, len(rows))
	for _, v := range rows {
		all[v.app] = v.r
	}
	return all, err
}

// SetLogRetention writes how much of an app's log is kept.
func (tx *Tx) SetLogRetention(app kigo.AppID, r kigo.LogRetention) error {
	return tx.exec("set log retention", `INSERT INTO log_retention (app_id, lines, bytes, age) VALUES ($1, $2, $3, $4)
		ON CONFLICT (app_id) DO UPDATE SET lines = excluded.lines, bytes = excluded.bytes, age = excluded.age`,
		string(app), r.Lines, r.Bytes, int64(r.Age))
}
