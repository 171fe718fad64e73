package store

import "github.com/kigo-dev/kigo"

const domainColumns = "id, app_id, hostname, kind, cname, status, sni_endpoint_id, created_at, updated_at, acm_status, acm_reason, acm_tries, acm_next"

func scanDomain(_ *Tx, row scanner) (kigo.Domain, error) {
	var d kigo.Domain
	err := row.Scan(&d.ID, &d.App, &d.Hostname, &d.Kind, &d.CNAME, &d.Status, &d.SNIEndpoint, at{&d.CreatedAt}, at{&d.UpdatedAt},
		&d.Automatic.Status, &d.Automatic.Reason, &d.Automatic.Tries, at{&d.Automatic.Next})
	return d, err
}

// CreateDomain adds a host name. One in use by any app is ErrTaken.
func (tx *Tx) CreateDomain(d *kigo.Domain) error {
	newID(&d.ID)
	tx.created(&d.CreatedAt, &d.UpdatedAt)
	return tx.exec("create domain", `INSERT INTO domains (id, app_id, hostname, kind, cname, status, sni_endpoint_id, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		d.ID, string(d.App), d.Hostname, d.Kind, d.CNAME, d.Status, d.SNIEndpoint, micros(d.CreatedAt), micros(d.UpdatedAt))
}

// Domains returns an app's domains, the oldest first: its default one leads.
func (tx *Tx) Domains(app kigo.AppID) ([]kigo.Domain, error) {
	return list(tx, "domain", scanDomain, "SELECT "+domainColumns+" FROM domains WHERE app_id = $1 ORDER BY created_at, id", string(app))
}

// FindDomain returns the domain of an app with that host name or id.
func (tx *Tx) FindDomain(app kigo.AppID, hostOrID string) (kigo.Domain, error) {
	return one(tx, "domain", scanDomain, "SELECT "+domainColumns+" FROM domains WHERE app_id = $1 AND (hostname = $2 OR id = $2)",
		string(app), hostOrID)
}

// DomainByHost returns the domain with that host name, whichever app has it.
func (tx *Tx) DomainByHost(host string) (kigo.Domain, error) {
	return one(tx, "domain", scanDomain, "SELECT "+domainColumns+" FROM domains WHERE hostname = $1", host)
}

// AllDomains returns every domain by host name, for the router.
func (tx *Tx) AllDomains() ([]kigo.Domain, error) {
	return list(tx, "domain", scanDomain, "SELECT "+domainColumns+" FROM domains ORDER BY hostname")
}

// UpdateDomain writes the host name, the target, the status and the certificate.
func (tx *Tx) UpdateDomain(d *kigo.Domain) error {
	d.UpdatedAt = tx.now
	return tx.execOne("domain", "update domain", "UPDATE domains SET hostname = $2, cname = $3, status = $4, sni_endpoint_id = $5, updated_at = $6 WHERE id = $1",
		d.ID, d.Hostname, d.CNAME, d.Status, d.SNIEndpoint, micros(d.UpdatedAt))
}

// DeleteDomain removes a domain by its id.
func (tx *Tx) DeleteDomain(id string) error {
	return tx.execOne("domain", "delete domain", "DELETE FROM domains WHERE id = $1", id)
}
