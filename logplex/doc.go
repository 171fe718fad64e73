// Package logplex merges each app's log lines into one stream, keeps the last
// 1,500 of them on disk and hands them to readers.
//
// It owns the folder logs/. It promises that Write never waits for a reader or
// for the disk, that lines of one writer keep their order, that every line has an
// id which only grows, also across restarts, and that whoever reads too slowly is
// told how many lines it missed. A killed process loses at most the lines of the
// last FlushEvery; a writer that can repeat its lines (a dyno's shim) loses none,
// because WriteFrom keeps its position together with the lines.
//
// Start reading at hub.go; then stream.go (one app), tail.go (its readers),
// store.go (its file), session.go (capability URLs) and client.go (lines that come
// from another process).
package logplex
