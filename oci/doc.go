// Package oci is the engine for one machine: each launch is one OCI container
// under runc, kept by a shim process of its own (package dyno/shim) that outlives
// the engine. The engine prepares what needs the whole machine (image mounts,
// networks, uid mappings), starts shims and listens to them; what it knows comes
// from the bundle folders and their sockets, so that a new engine takes over all
// that an earlier one started.
//
// It owns DIR/mounts, DIR/dynos and DIR/bin. Its promise is the contract of
// dyno.Engine, and the confinement of spec.go and seccomp.go for each launch.
// Start reading at engine.go, then start.go, spec.go and recover.go.
package oci
