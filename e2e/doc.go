// Package e2e runs the real program end to end: one `kigo server` on loopback,
// real git, real curl and the official Heroku CLI, driven by the scripts in
// testdata, one per noun, which double as the product's specification. The scripts
// in official are the table of the official CLI's commands (official_test.go), which
// runs many of them in one process. It builds nothing itself: `make build` and
// script/setup come first.
//
// Start reading at e2e_test.go, then testdata/push.txtar.
package e2e
