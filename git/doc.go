// Package git serves each app's repository by git's smart HTTP protocol and turns
// a push to main or master into a build.
//
// It owns the folder repos/: one bare repository per app, that belongs to a user
// id of the app and is only ever touched by git processes under that id. It
// promises that the bytes of a push are never interpreted by root, that build
// output reaches the person who pushes line by line, that a repository's main is
// what was deployed, and that a build outlives the connection which asked for it.
//
// Start reading at server.go (routes and who may), rpc.go (the protocol), then
// receive.go (what happens on a push), source.go (objects to a tar) and
// command.go (how git is run).
package git
