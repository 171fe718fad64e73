package store

import (
	"time"

	"github.com/kigo-dev/kigo"
)

// FormerName is a name that an app had before a rename, or until its end.
type FormerName struct {
	Name  string
	App   kigo.AppID // may be gone
	Owner kigo.AccountID
	At    time.Time // when the app gave it up
}

const formerNameColumns = "name, app_id, owner_id, at"

func scanFormerName(_ *Tx, row scanner) (FormerName, error) {
	var f FormerName
	err := row.Scan(&f.Name, &f.App, &f.Owner, at{&f.At})
	return f, err
}

// FindFormerName returns the app that had a name before a rename and still
// exists, for requests and pushes to the old name.
func (tx *Tx) FindFormerName(name string) (kigo.AppID, error) {
	f, err := one(tx, "app", scanFormerName, `SELECT `+formerNameColumns+` FROM former_names
		WHERE name = $1 AND app_id IN (SELECT id FROM apps WHERE NOT destroying)`, name)
	return f.App, err
}

// FormerName returns who gave up a name last, and when.
func (tx *Tx) FormerName(name string) (FormerName, error) {
	return one(tx, "former name", scanFormerName, "SELECT "+formerNameColumns+" FROM former_names WHERE name = $1", name)
}

// FormerNames returns the former names of apps that still exist, for the router.
func (tx *Tx) FormerNames() ([]FormerName, error) {
	return list(tx, "former name", scanFormerName, `SELECT `+formerNameColumns+` FROM former_names
		WHERE app_id IN (SELECT id FROM apps WHERE NOT destroying) ORDER BY name`)
}

// FormerNamesOf returns the former names of one app.
func (tx *Tx) FormerNamesOf(app kigo.AppID) ([]FormerName, error) {
	return list(tx, "former name", scanFormerName, "SELECT "+formerNameColumns+" FROM former_names WHERE app_id = $1 ORDER BY name", string(app))
}

// PutFormerName records that an app gave up a name.
func (tx *Tx) PutFormerName(f FormerName) error {
	if f.At.IsZero() {
		f.At = tx.now
	}
	return tx.exec("record former name", `INSERT INTO former_names (name, app_id, owner_id, at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (name) DO UPDATE SET app_id = excluded.app_id, owner_id = excluded.owner_id, at = excluded.at`,
		f.Name, string(f.App), string(f.Owner), micros(f.At))
}

// DeleteFormerName forgets a former name, because an app has it now.
func (tx *Tx) DeleteFormerName(name string) error {
	return tx.exec("forget former name", "DELETE FROM former_names WHERE name = $1", name)
}

// HoldFormerNames restarts the time for which an app's former names are kept,
// because the app ends now.
func (tx *Tx) HoldFormerNames(app kigo.AppID) error {
	return tx.exec("hold former names", "UPDATE former_names SET at = $2 WHERE app_id = $1", string(app), micros(tx.now))
}
