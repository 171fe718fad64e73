package store

import (
	"fmt"

	"github.com/kigo-dev/kigo"
)

const endpointColumns = "id, app_id, name, chain, private_key, created_at, updated_at, automatic"

func scanEndpoint(tx *Tx, row scanner) (kigo.SNIEndpoint, error) {
	var e kigo.SNIEndpoint
	var sealed, appKey []byte
	if err := row.Scan(&e.ID, &e.App, &e.Name, &e.Chain, &sealed, at{&e.CreatedAt}, at{&e.UpdatedAt}, &e.Automatic, &appKey); err != nil {
		return e, err
	}
	key, err := tx.openOf(e.App, appKey, "sni_endpoints", e.ID, "private_key", sealed)
	if err != nil {
		return e, fmt.Errorf("open key of certificate %s: %w", e.ID, err)
	}
	e.PrivateKey = string(key)
	return e, nil
}

// CreateSNIEndpoint adds a certificate.
func (tx *Tx) CreateSNIEndpoint(e *kigo.SNIEndpoint) error {
	newID(&e.ID)
	tx.created(&e.CreatedAt, &e.UpdatedAt)
	key, err := tx.sealOf(e.App, "sni_endpoints", e.ID, "private_key", []byte(e.PrivateKey))
	if err != nil {
		return err
	}
	return tx.exec("create certificate", `INSERT INTO sni_endpoints (id, app_id, name, chain, private_key, created_at, updated_at, automatic)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, e.ID, string(e.App), e.Name, e.Chain,
		key, micros(e.CreatedAt), micros(e.UpdatedAt), e.Automatic)
}

// SNIEndpoints returns an app's certificates, the oldest first.
func (tx *Tx) SNIEndpoints(app kigo.AppID) ([]kigo.SNIEndpoint, error) {
	return list(tx, "certificate", scanEndpoint,
		"SELECT "+endpointColumns+keyColumn("sni_endpoints")+" FROM sni_endpoints WHERE app_id = $1 ORDER BY created_at, id", string(app))
}

// FindSNIEndpoint returns the certificate of an app with that name or id.
func (tx *Tx) FindSNIEndpoint(app kigo.AppID, nameOrID string) (kigo.SNIEndpoint, error) {
	return one(tx, "SNI endpoint", scanEndpoint,
		"SELECT "+endpointColumns+keyColumn("sni_endpoints")+" FROM sni_endpoints WHERE app_id = $1 AND (name = $2 OR id = $2)", string(app), nameOrID)
}

// AllSNIEndpoints returns every certificate, for the router.
func (tx *Tx) AllSNIEndpoints() ([]kigo.SNIEndpoint, error) {
	return list(tx, "certificate", scanEndpoint, "SELECT "+endpointColumns+keyColumn("sni_endpoints")+" FROM sni_endpoints ORDER BY id")
}

// UpdateSNIEndpoint writes the chain and the key.
func (tx *Tx) UpdateSNIEndpoint(e *kigo.SNIEndpoint) error {
	e.UpdatedAt = tx.now
	key, err := tx.sealOf(e.App, "sni_endpoints", e.ID, "private_key", []byte(e.PrivateKey))
	if err != nil {
		return err
	}
	return tx.execOne("SNI endpoint", "update certificate", "UPDATE sni_endpoints SET chain = $2, private_key = $3, updated_at = $4 WHERE id = $1",
		e.ID, e.Chain, key, micros(e.UpdatedAt))
}

// DeleteSNIEndpoint removes a certificate; its domains have none from then on.
func (tx *Tx) DeleteSNIEndpoint(id string) error {
	if err := tx.exec("detach certificate", "UPDATE domains SET sni_endpoint_id = '' WHERE sni_endpoint_id = $1", id); err != nil {
		return err
	}
	return tx.execOne("SNI endpoint", "delete certificate", "DELETE FROM sni_endpoints WHERE id = $1", id)
}
