// Package sshd is the SSH server of ps:exec, ps:copy, ps:forward and ps:socks: its
// sessions run inside dynos, and the connections that it forwards begin there. It
// promises that nobody comes in but by a grant: the user name is one, made for one account, one
// dyno and one public key, and is checked again for each connection. Nothing is
// stored for it, so that a forward goes on working after a restart.
//
// Start reading at Server, then session.go.
package sshd
