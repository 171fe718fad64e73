package store

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/kigo-dev/kigo"
)

const telemetryColumns = "id, app_id, signals, exporter, sent, created_at, updated_at"

func scanTelemetryDrain(tx *Tx, row scanner) (kigo.TelemetryDrain, error) {
	var d kigo.TelemetryDrain
	var sealed, key []byte
	if err := row.Scan(&d.ID, &d.App, fromJSON{&d.Signals}, &sealed, at{&d.Sent}, at{&d.CreatedAt}, at{&d.UpdatedAt}, &key); err != nil {
		return d, err
	}
	plain, err := tx.openOf(d.App, key, "telemetry_drains", d.ID, "exporter", sealed)
	if err == nil {
		err = json.Unmarshal(plain, &d.Exporter)
	}
	if err != nil {
		return d, fmt.Errorf("open exporter of telemetry drain %s: %w", d.ID, err)
	}
	return d, nil
}

func (tx *Tx) sealExporter(d *kigo.TelemetryDrain) ([]byte, error) {
	b, err := json.Marshal(d.Exporter)
	if err != nil {
		return nil, fmt.Errorf("encode exporter: %w", err)
	}
	return tx.sealOf(d.App, "telemetry_drains", d.ID, "exporter", b)
}

// CreateTelemetryDrain adds a drain; what it sends begins now.
func (tx *Tx) CreateTelemetryDrain(d *kigo.TelemetryDrain) error {
	newID(&d.ID)
	tx.created(&d.CreatedAt, &d.UpdatedAt)
	if d.Sent.IsZero() {
		d.Sent = d.CreatedAt
	}
	sealed, err := tx.sealExporter(d)
	if err != nil {
		return err
	}
	return tx.exec("create telemetry drain", `INSERT INTO telemetry_drains (id, app_id, signals, exporter, sent, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		d.ID, string(d.App), asJSON(d.Signals), sealed, micros(d.Sent), micros(d.CreatedAt), micros(d.UpdatedAt))
}

// TelemetryDrain returns one drain.
func (tx *Tx) TelemetryDrain(id string) (kigo.TelemetryDrain, error) {
	return one(tx, "telemetry drain", scanTelemetryDrain, "SELECT "+telemetryColumns+keyColumn("telemetry_drains")+" FROM telemetry_drains WHERE id = $1", id)
}

// TelemetryDrains returns an app's drains, the oldest first.
func (tx *Tx) TelemetryDrains(app kigo.AppID) ([]kigo.TelemetryDrain, error) {
	return list(tx, "telemetry drain", scanTelemetryDrain, "SELECT "+telemetryColumns+keyColumn("telemetry_drains")+" FROM telemetry_drains WHERE app_id = $1 ORDER BY created_at, id", string(app))
}

// AllTelemetryDrains returns those of every app, by id.
func (tx *Tx) AllTelemetryDrains() ([]kigo.TelemetryDrain, error) {
	return list(tx, "telemetry drain", scanTelemetryDrain, "SELECT "+telemetryColumns+keyColumn("telemetry_drains")+" FROM telemetry_drains ORDER BY id")
}

// UpdateTelemetryDrain writes the signals and the exporter.
func (tx *Tx) UpdateTelemetryDrain(d *kigo.TelemetryDrain) error {
	d.UpdatedAt = tx.now
	sealed, err := tx.sealExporter(d)
	if err != nil {
		return err
	}
	return tx.execOne("telemetry drain", "update telemetry drain", "UPDATE telemetry_drains SET signals = $2, exporter = $3, updated_at = $4 WHERE id = $1",
		d.ID, asJSON(d.Signals), sealed, micros(d.UpdatedAt))
}

// SetTelemetrySent writes up to when metrics were sent.
func (tx *Tx) SetTelemetrySent(id string, sent time.Time) error {
	return tx.execOne("telemetry drain", "write what was sent", "UPDATE telemetry_drains SET sent = $2 WHERE id = $1", id, micros(sent))
}

// DeleteTelemetryDrain removes a drain.
func (tx *Tx) DeleteTelemetryDrain(id string) error {
	return tx.execOne("telemetry drain", "delete telemetry drain", "DELETE FROM telemetry_drains WHERE id = $1", id)
}
