package store

import "github.com/kigo-dev/kigo"

// SetACM writes whether an app's custom domains get certificates by themselves.
func (tx *Tx) SetACM(id kigo.AppID, on bool) error {
	return tx.execOne("app", "set automatic certificates", "UPDATE apps SET acm = $2, updated_at = $3 WHERE id = $1", string(id), on, micros(tx.now))
}

// AppsWithACM are the apps whose custom domains get certificates by themselves.
func (tx *Tx) AppsWithACM() ([]kigo.App, error) {
	return list(tx, "app", scanApp, "SELECT "+appColumns+" FROM apps WHERE acm AND NOT destroying ORDER BY name")
}

// UpdateAutomaticCertificate writes how it stands with a domain's certificate,
// and which one the domain is served with.
func (tx *Tx) UpdateAutomaticCertificate(d *kigo.Domain) error {
	d.UpdatedAt = tx.now
	a := d.Automatic
	return tx.execOne("domain", "update automatic certificate", `UPDATE domains SET sni_endpoint_id = $2, acm_status = $3, acm_reason = $4,
			acm_tries = $5, acm_next = $6, updated_at = $7 WHERE id = $1`,
		d.ID, d.SNIEndpoint, a.Status, a.Reason, a.Tries, micros(a.Next), micros(d.UpdatedAt))
}

// CreateChallenge adds what a certificate authority will look for.
func (tx *Tx) CreateChallenge(c kigo.Challenge) error {
	return tx.exec("create challenge", `INSERT INTO acme_challenges (app_id, host, token, answer) VALUES ($1, $2, $3, $4)
		ON CONFLICT (app_id, host, token) DO UPDATE SET answer = excluded.answer`, string(c.App), c.Host, c.Token, c.Answer)
}

// Challenges are those of an app.
func (tx *Tx) Challenges(app kigo.AppID) ([]kigo.Challenge, error) {
	return list(tx, "challenge", func(_ *Tx, row scanner) (c kigo.Challenge, err error) {
		err = row.Scan(&c.App, &c.Host, &c.Token, &c.Answer)
		return c, err
	}, "SELECT app_id, host, token, answer FROM acme_challenges WHERE app_id = $1 ORDER BY host, token", string(app))
}

// DeleteChallenge removes one; none is no error.
func (tx *Tx) DeleteChallenge(app kigo.AppID, host, token string) error {
	return tx.exec("delete challenge", "DELETE FROM acme_challenges WHERE app_id = $1 AND host = $2 AND token = $3", string(app), host, token)
}

// DeleteChallenges removes all: nobody waits for an answer any more.
func (tx *Tx) DeleteChallenges() error {
	return tx.exec("delete challenges", "DELETE FROM acme_challenges")
}

// ACMEAccount is what the platform knows of its account at a certificate authority.
func (tx *Tx) ACMEAccount(directory string) ([]byte, error) {
	return one(tx, "account at the certificate authority", func(tx *Tx, row scanner) ([]byte, error) {
		var sealed []byte
		if err := row.Scan(&sealed); err != nil {
			return nil, err
		}
		return tx.open("acme_accounts", directory, "account", sealed)
	}, "SELECT account FROM acme_accounts WHERE directory = $1", directory)
}

// DeleteACMEAccount forgets it: the authority does not know it any more.
func (tx *Tx) DeleteACMEAccount(directory string) error {
	return tx.exec("delete account at the certificate authority", "DELETE FROM acme_accounts WHERE directory = $1", directory)
}

// PutACMEAccount keeps it, sealed.
func (tx *Tx) PutACMEAccount(directory string, account []byte) error {
	return tx.exec("write account at the certificate authority", `INSERT INTO acme_accounts (directory, account) VALUES ($1, $2)
		ON CONFLICT (directory) DO UPDATE SET account = excluded.account`, directory, tx.seal("acme_accounts", directory, "account", account))
}
