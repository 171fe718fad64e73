// Package api serves Heroku's Platform API v3: it reads the store, asks control
// for every change and writes nothing itself.
//
// It promises Heroku's shapes, error ids and sentences, so that the official
// command line and client libraries work unchanged, and that a route without an
// entry in the one table of routes does not exist. Authorization happens in one
// place, before a handler runs: the scope of the token, then what the account may
// do with the app named in the path; what it may not see is not found.
//
// Start reading at routes.go, the table of contents, then serve.go, the steps
// that each request takes. There is one file for each resource.
package api
