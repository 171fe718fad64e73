package store

import "github.com/kigo-dev/kigo"

const formationColumns = "id, app_id, type, quantity, size, command, created_at, updated_at"

func scanFormation(_ *Tx, row scanner) (kigo.Formation, error) {
	var f kigo.Formation
	err := row.Scan(&f.ID, &f.App, &f.Type, &f.Quantity, &f.Size, &f.Command, at{&f.CreatedAt}, at{&f.UpdatedAt})
	return f, err
}

// Formations returns an app's process types by name.
func (tx *Tx) Formations(app kigo.AppID) ([]kigo.Formation, error) {
	return list(tx, "formation", scanFormation, "SELECT "+formationColumns+" FROM formations WHERE app_id = $1 ORDER BY type", string(app))
}

// Formation returns one process type of an app, by its name or id.
func (tx *Tx) Formation(app kigo.AppID, typeOrID string) (kigo.Formation, error) {
	return one(tx, "formation", scanFormation, "SELECT "+formationColumns+" FROM formations WHERE app_id = $1 AND (type = $2 OR id = $2)",
		string(app), typeOrID)
}

// PutFormation adds a process type or changes its quantity, size and command.
func (tx *Tx) PutFormation(f *kigo.Formation) error {
	newID(&f.ID)
	tx.created(&f.CreatedAt, nil)
	f.UpdatedAt = tx.now
	return tx.exec("write formation", `INSERT INTO formations (id, app_id, type, quantity, size, command, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (app_id, type) DO UPDATE
		SET quantity = excluded.quantity, size = excluded.size, command = excluded.command, updated_at = excluded.updated_at`,
		f.ID, string(f.App), f.Type, f.Quantity, f.Size, f.Command, micros(f.CreatedAt), micros(f.UpdatedAt))
}

// DeleteFormation removes a process type.
func (tx *Tx) DeleteFormation(app kigo.AppID, typ string) error {
	return tx.execOne("formation", "delete formation", "DELETE FROM formations WHERE app_id = $1 AND type = $2", string(app), typ)
}
