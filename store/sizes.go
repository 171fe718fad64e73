package store

// SizeUse is a dyno size that an app names.
type SizeUse struct{ Size, App string } // the app's name

// SizesInUse returns which sizes the apps' process types and their dynos name, each app
// once for each size, by size and app. One-off dynos that have ended do not count.
func (tx *Tx) SizesInUse() ([]SizeUse, error) {
	scan := func(_ *Tx, row scanner) (u SizeUse, err error) { return u, row.Scan(&u.Size, &u.App) }
	return list(tx, "dyno size", scan, `SELECT u.size, a.name FROM (
			SELECT app_id, size FROM formations UNION SELECT app_id, size FROM dynos WHERE state <> 'complete'
		) u JOIN apps a ON a.id = u.app_id WHERE u.size <> '' GROUP BY u.size, a.name ORDER BY u.size, a.name`)
}
