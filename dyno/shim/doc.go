// Package shim keeps one dyno: a small process per dyno that mounts its root,
// starts it under the OCI runtime, reads its output, watches it bind its port,
// stops it and writes down how it ended. It owns the bundle folder while it
// runs, and needs nobody: whoever started it may die, and a later engine finds
// it through the bundle's lock and socket, never by a process id alone.
//
// A bundle folder holds
//
//	launch.json   what was asked, written by the engine before the shim starts
//	lock          held (flock) as long as the shim lives
//	sock          the shim's socket, see serve.go for the protocol
//	state.json    the present State; exit.json is the last one, and final
//	log.N         output as framed lines, a ring of files, see log.go
//	attach.out    what an attached dyno wrote with nobody there to read it
//	disk/         the dyno's own writable layer: /app and /tmp
//	shim.log      the shim's own complaints
//
// The shim lives in a mount namespace of its own, so that all the dyno's mounts
// go away with it, and outside the dyno's cgroups, so that a dyno at its limits
// cannot take its keeper along. It imports the standard library and x/sys only.
// Start reading at Main.
package shim
