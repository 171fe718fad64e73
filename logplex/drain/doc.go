// Package drain sends apps' log lines to the receivers that their owners have
// named: in Logplex's frames over HTTPS, or as syslog over TCP, plain or TLS.
//
// It owns the files drain-ID beside an app's lines. It promises that every line
// that has reached the disk since the drain was made is either delivered or
// counted in a line that says how many were dropped (L10), also when this process
// is killed at any instant or the receiver is down: a frame is on disk before it
// is sent, and is sent again, byte for byte and with the same Logplex-Frame-Id,
// until it is taken. A receiver that fails holds up nobody else and costs no more
// memory than its frame; where the operator allows it, lines wait for it on disk.
//
// Start reading at loop.go; then sender.go (one drain), frame.go (what is sent),
// https.go, syslog.go and otlp.go (how), state.go and spill.go (what a restart finds).
package drain
