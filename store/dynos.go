package store

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/secret"
)

const dynoColumns = `id, app_id, release_id, version, type, number, command, size, one_off, env, attach, no_tty, stop,
	state, address, started_at, restarts, crashes, retry_at, exit_code, created_at, updated_at,
	ttl, inside, retire, why, reason, attach_by, attach_authorization`

func scanDyno(tx *Tx, row scanner) (kigo.Dyno, error) {
	var d kigo.Dyno
	var env, key []byte
	var ttl int64
	err := row.Scan(&d.ID, &d.App, &d.Release, &d.Version, &d.Type, &d.Number, &d.Command, &d.Size, &d.OneOff, &env,
		&d.Attach.Wanted, &d.Attach.NoTTY, &d.Stop, &d.State, &d.Address, at{&d.StartedAt}, &d.Restarts, &d.Crashes,
		at{&d.RetryAt}, &d.ExitCode, at{&d.CreatedAt}, at{&d.UpdatedAt},
		&ttl, &d.Inside, &d.Retire, &d.Why, &d.Reason, &d.Attach.By, &d.Attach.Authorization, &key)
	d.TTL = time.Duration(ttl) * time.Microsecond
	if err != nil || len(env) == 0 {
		return d, err
	}
	text, err := tx.openOf(d.App, key, "dynos", string(d.ID), "env", env)
	if err != nil {
		return d, fmt.Errorf("read environment: %w", err)
	}
	return d, json.Unmarshal(text, &d.Env)
}

// CreateDyno adds a dyno: what it shall be, in state starting when none is given.
// Its Env is sealed. Its Attach.Secret is kept as a hash only: no dyno that is
// read has it.
func (tx *Tx) CreateDyno(d *kigo.Dyno) error {
	newID(&d.ID)
	tx.created(&d.CreatedAt, &d.UpdatedAt)
	if d.State == "" {
		d.State = kigo.DynoStarting
	}
	env := []byte{}
	if len(d.Env) > 0 {
		var err error
		if env, err = tx.sealOf(d.App, "dynos", string(d.ID), "env", []byte(asJSON(d.Env))); err != nil {
			return err
		}
	}
	var hash any
	if d.Attach.Secret != "" {
		hash = secret.HashToken(d.Attach.Secret)
	}
	return tx.exec("create dyno", `INSERT INTO dynos (id, app_id, release_id, version, type, number, command, size, one_off, env,
			attach, no_tty, secret_hash, stop, state, address, started_at, restarts, crashes, retry_at, exit_code, created_at, updated_at,
			ttl, inside, retire, why, reason, attach_by, attach_authorization)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30)`,
		string(d.ID), string(d.App), string(d.Release), d.Version, d.Type, d.Number, d.Command, d.Size, d.OneOff, env,
		d.Attach.Wanted, d.Attach.NoTTY, hash, d.Stop, string(d.State), d.Address, micros(d.StartedAt), d.Restarts, d.Crashes,
		micros(d.RetryAt), d.ExitCode, micros(d.CreatedAt), micros(d.UpdatedAt),
		d.TTL.Microseconds(), string(d.Inside), d.Retire, d.Why, d.Reason, string(d.Attach.By), d.Attach.Authorization)
}

// Dyno returns one dyno.
func (tx *Tx) Dyno(id kigo.DynoID) (kigo.Dyno, error) {
	return one(tx, "dyno", scanDyno, "SELECT "+dynoColumns+keyColumn("dynos")+" FROM dynos WHERE id = $1", string(id))
}

// FindDyno returns an app's dyno by its id or by its name, such as "web.1". While
// a release replaces another, two dynos have the same name: the newest that shall
// not stop wins.
func (tx *Tx) FindDyno(app kigo.AppID, nameOrID string) (kigo.Dyno, error) {
	typ, number, _ := strings.Cut(nameOrID, ".")
	n, err := strconv.ParseInt(number, 10, 32)
	if err != nil || kigo.DynoName(typ, int(n)) != nameOrID {
		return one(tx, "dyno", scanDyno, "SELECT "+dynoColumns+keyColumn("dynos")+" FROM dynos WHERE app_id = $1 AND id = $2", string(app), nameOrID)
	}
	return one(tx, "dyno", scanDyno, "SELECT "+dynoColumns+keyColumn("dynos")+` FROM dynos WHERE app_id = $1 AND type = $2 AND number = $3
		ORDER BY stop, created_at DESC, id LIMIT 1`, string(app), typ, n)
}

// Dynos returns an app's dynos by type and number.
func (tx *Tx) Dynos(app kigo.AppID) ([]kigo.Dyno, error) {
	return list(tx, "dyno", scanDyno, "SELECT "+dynoColumns+keyColumn("dynos")+" FROM dynos WHERE app_id = $1 ORDER BY type, number, created_at", string(app))
}

// AllDynos returns the dynos of all apps.
func (tx *Tx) AllDynos() ([]kigo.Dyno, error) {
	return list(tx, "dyno", scanDyno, "SELECT "+dynoColumns+keyColumn("dynos")+" FROM dynos ORDER BY app_id, type, number, created_at")
}

// DynoBySecret returns the one-off that a rendezvous client may attach to.
func (tx *Tx) DynoBySecret(capability string) (kigo.Dyno, error) {
	return one(tx, "dyno", scanDyno, "SELECT "+dynoColumns+keyColumn("dynos")+" FROM dynos WHERE secret_hash = $1", secret.HashToken(capability))
}

// UpdateDynoState writes what a dyno's node has seen: state, address, start,
// restarts, crashes, retry, exit code and reason. Its UpdatedAt changes with the state or the start, because
// that is the "since" that ps shows.
func (tx *Tx) UpdateDynoState(d *kigo.Dyno) error {
	err := tx.tx.QueryRowContext(tx.ctx, `UPDATE dynos
		SET updated_at = CASE WHEN state = $2 AND started_at = $4 THEN updated_at ELSE $9 END,
			state = $2, address = $3, started_at = $4, restarts = $5, crashes = $6, retry_at = $7, exit_code = $8, reason = $10
		WHERE id = $1 RETURNING updated_at`,
		string(d.ID), string(d.State), d.Address, micros(d.StartedAt), d.Restarts, d.Crashes, micros(d.RetryAt), d.ExitCode,
		micros(tx.now), d.Reason).Scan(at{&d.UpdatedAt})
	if err := missing(err, "dyno", "update dyno"); err != nil {
		return err
	}
	return tx.meter(*d)
}

// StopDyno asks for a dyno to be stopped and forgotten.
func (tx *Tx) StopDyno(id kigo.DynoID) error {
	return tx.execOne("dyno", "stop dyno", "UPDATE dynos SET stop = TRUE WHERE id = $1", string(id))
}

// StopDynoSaying is StopDyno, with a word for the log in place of the change to
// "down": the dyno is about to be replaced.
func (tx *Tx) StopDynoSaying(id kigo.DynoID, why string) error {
	return tx.execOne("dyno", "stop dyno", "UPDATE dynos SET stop = TRUE, why = $2 WHERE id = $1", string(id), why)
}

// RetireDyno asks for a dyno to be replaced, serving until its replacement does;
// why is for the log when it stops.
func (tx *Tx) RetireDyno(id kigo.DynoID, why string) error {
	return tx.execOne("dyno", "retire dyno", "UPDATE dynos SET retire = TRUE, why = $2 WHERE id = $1", string(id), why)
}

// DeleteDyno forgets a dyno.
func (tx *Tx) DeleteDyno(id kigo.DynoID) error {
	if err := tx.closeUsage(id); err != nil {
		return err
	}
	return tx.execOne("dyno", "delete dyno", "DELETE FROM dynos WHERE id = $1", string(id))
}
