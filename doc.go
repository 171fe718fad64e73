// Package kigo is the domain: what an app, a release, a slug or a dyno is, the
// rules its values obey and the errors that users meet. It owns values only: it
// stores nothing, starts nothing and imports the standard library alone, and
// every other package imports it.
//
// Start reading at app.go, then release.go and dyno.go. What a rule is measured
// against (Heroku's documentation or its command line) is said where the rule is.
package kigo
