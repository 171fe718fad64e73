// Package client speaks Heroku's Platform API v3: the JSON shapes of its
// resources and one method for each request. The command line, the dashboard and
// the tests use it, and the server builds its answers from the same shapes, so
// that both ends agree by construction.
//
// It promises that lists are complete (it follows Next-Range unless Max is set),
// that a refusal is a *Error with Heroku's id and message, and that nothing but
// URL is ever contacted save for the stream addresses that the server hands out.
// Start reading at client.go; each noun has a file with its shapes and its requests.
package client
