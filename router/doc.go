// Package router is the data plane: every request to every app crosses it. It
// owns the client connections, the connections to dynos and the choice between
// dynos; it decides nothing else. What it knows comes from control: a snapshot,
// then changes (snapshot.go, feed.go, socket.go), which keeper.go keeps on disk,
// so that it starts and serves with control gone. In return control learns whose
// requests wait for a dyno (demand.go), and what the requests of each app were
// (usage.go, usagefeed.go).
//
// It speaks HTTP/1.1 on both sides with an engine of its own over net.Conn: heads
// are parsed in place in pooled buffers, lines that may pass are copied as they
// are, and a request on kept-alive connections allocates nothing. TLS and plain
// are one path; HTTP/2 ends at h2.go and its files, in front of the same path.
//
// A request walks: accept.go → listen.go → conn.go the list of steps → head.go strict
// parsing → table.go, over index.go, host to app → pick.go app to dyno → pool.go a connection →
// forward.go the head that the dyno sees → proxy.go the exchange, tunnel.go after
// an Upgrade → codes.go when something fails → accesslog.go one line.
//
// What a client and an app see is Heroku's (http-routing and error-codes in its
// documentation): the same forwarded headers, time limits, H codes and log lines.
// The product word in Via is Heroku's "heroku-router", because apps and libraries
// look for it. Where Heroku is silent the stricter reading of RFC 9112 is taken.
package router
