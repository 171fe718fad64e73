// Package cli is the command line: the commands of the official Heroku CLI, with
// the same words, output and exit statuses, for people who would rather not
// install Node. It speaks only the public API, through package client.
//
// Start reading at main.go; table.go lists every command, and each topic has a
// file of its own. What is printed is compared with the official CLI's own output in
// testdata/heroku.
package cli
