package store

import (
	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/secret"
)

// Exec runs a statement as it is.
func Exec(tx *Tx, query string, args ...any) error { return tx.exec(query, query, args...) }

// SealAsBefore seals a value of an app again as it was before apps had keys.
func SealAsBefore(tx *Tx, app kigo.AppID, table, column, row, field string) error {
	record, err := one(tx, table, func(_ *Tx, row scanner) (b []byte, err error) {
		err = row.Scan(&b)
		return b, err
	}, "SELECT "+column+" FROM "+table+" WHERE id = $1", row)
	if err != nil {
		return err
	}
	sealed, err := tx.sealedKey(app)
	if err != nil {
		return err
	}
	plain, err := tx.openOf(app, sealed, table, row, field, record)
	if err != nil {
		return err
	}
	return tx.exec("seal as before", "UPDATE "+table+" SET "+column+" = $2 WHERE id = $1", row, tx.seal(table, row, field, plain))
}

// ByAppsKey reports how many values of a column are sealed with keys of apps, and how
// many there are.
func ByAppsKey(tx *Tx, table, column string) (sealed, all int, err error) {
	records, err := list(tx, table, func(_ *Tx, row scanner) (b []byte, err error) {
		err = row.Scan(&b)
		return b, err
	}, "SELECT "+column+" FROM "+table)
	for _, r := range records {
		if secret.ByDataKey(r) {
			sealed++
		}
	}
	return sealed, len(records), err
}
