// Package rendezvous is the byte pipe between a person's terminal and an attached
// one-off dyno: a TLS port, its protocol, and a client of it.
//
// The client connects, writes the session's secret and CRLF, and waits. When the
// process's terminal is there it gets "rendezvous" and CRLF in a TLS record of
// their own (the Heroku CLI discards the first piece that it receives, whatever is
// in it), and from then on bytes pass both ways unchanged.
//
// It promises that output written before the process ended reaches the client,
// that a client which goes away hangs up the process's terminal, and that nobody
// who does not know a secret holds resources for long. Start reading at server.go;
// input.go has the rules for the end of standard input, client.go the client.
package rendezvous
