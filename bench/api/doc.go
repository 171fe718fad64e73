// Package api measures the Platform API over a large store: 10,000 apps of 100
// accounts with 1,000,000 releases and 20,000 dynos, in SQLite and in PostgreSQL.
// Its benchmark is in lists_test.go; bench/run api prints its figures.
package api
