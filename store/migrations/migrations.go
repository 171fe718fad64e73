// Package migrations holds the database's schema as numbered SQL files, each
// applied once, in order, in a transaction of its own. A file that has been
// released never changes; a change is a new file.
package migrations

import "embed"

// Files are the migrations, named NNNN_what.sql.
//
//go:embed *.sql
var Files embed.FS
