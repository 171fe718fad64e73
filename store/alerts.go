package store

import (
	"encoding/json"
	"fmt"

	"github.com/kigo-dev/kigo"
)

const alertColumns = "id, app_id, name, rule, target, state, created_at, updated_at"

func scanAlert(tx *Tx, row scanner) (kigo.Alert, error) {
	var a kigo.Alert
	var sealed, key []byte
	if err := row.Scan(&a.ID, &a.App, &a.Name, fromJSON{&a.Rule}, &sealed, fromJSON{&a.State}, at{&a.CreatedAt}, at{&a.UpdatedAt}, &key); err != nil {
		return a, err
	}
	plain, err := tx.openOf(a.App, key, "alerts", a.ID, "target", sealed)
	if err == nil {
		err = json.Unmarshal(plain, &a.Target)
	}
	if err != nil {
		return a, fmt.Errorf("open target of alert %s: %w", a.ID, err)
	}
	return a, nil
}

// CreateAlert adds an alert.
func (tx *Tx) CreateAlert(a *kigo.Alert) error {
	newID(&a.ID)
	tx.created(&a.CreatedAt, &a.UpdatedAt)
	target, err := json.Marshal(a.Target)
	if err != nil {
		return fmt.Errorf("encode target of alert: %w", err)
	}
	sealed, err := tx.sealOf(a.App, "alerts", a.ID, "target", target)
	if err != nil {
		return err
	}
	return tx.exec("create alert", `INSERT INTO alerts (id, app_id, name, rule, target, state, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		a.ID, string(a.App), a.Name, asJSON(a.Rule), sealed, asJSON(a.State), micros(a.CreatedAt), micros(a.UpdatedAt))
}

// Alerts returns an app's alerts, by name.
func (tx *Tx) Alerts(app kigo.AppID) ([]kigo.Alert, error) {
	return list(tx, "alert", scanAlert, "SELECT "+alertColumns+keyColumn("alerts")+" FROM alerts WHERE app_id = $1 ORDER BY name", string(app))
}

// AllAlerts returns those of every app, by id.
func (tx *Tx) AllAlerts() ([]kigo.Alert, error) {
	return list(tx, "alert", scanAlert, "SELECT "+alertColumns+keyColumn("alerts")+" FROM alerts ORDER BY id")
}

// Alert returns one alert.
func (tx *Tx) Alert(id string) (kigo.Alert, error) {
	return one(tx, "alert", scanAlert, "SELECT "+alertColumns+keyColumn("alerts")+" FROM alerts WHERE id = $1", id)
}

// SetAlertState writes where an alert stands.
func (tx *Tx) SetAlertState(id string, state kigo.AlertState) error {
	return tx.execOne("alert", "write state of alert", "UPDATE alerts SET state = $2 WHERE id = $1", id, asJSON(state))
}

// DeleteAlert removes an alert.
func (tx *Tx) DeleteAlert(id string) error {
	return tx.execOne("alert", "delete alert", "DELETE FROM alerts WHERE id = $1", id)
}
