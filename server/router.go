package server

import (
	"context"
	"crypto/tls"
	"net"
	"os"
	"runtime/debug"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo/cert"
	"github.com/kigo-dev/kigo/logplex"
	"github.com/kigo-dev/kigo/router"
	"github.com/kigo-dev/kigo/secret"
)

// lastWords is how long open requests have when all of Kigo ends; less than the
// supervisor's patience.
const lastWords = 1500 * time.Millisecond

// Router is the router process: it serves apps from the snapshots that control
// sends, and from the last one on disk while control is gone.
func Router() error {
	c, err := inherit()
	if err != nil {
		return err
	}
	ctx, why := lifetime()
	log := NewLogger(c.Config, "router")
	prefer(routerNice, log)
	moreFiles()
	debug.SetGCPercent(router.GCPercent)
	certificate, err := certificates(c)
	if err != nil {
		return err
	}
	box, err := secret.OpenBox(c.Config.Path("key"))
	if err != nil {
		return err
	}
	users := &sniReader{path: c.Config.Path("router", sniFile), box: box, log: log, other: certificate}
	logs := &logplex.Client{Path: c.Config.Path("run", "logplex.sock"), Log: log}
	logsCtx, endLogs := context.WithCancel(context.WithoutCancel(ctx)) // the last lines come while the router drains
	logsEnded := make(chan struct{})
	go func() { defer close(logsEnded); _ = logs.Run(logsCtx) }()
	defer func() { endLogs(); <-logsEnded }()
	if err := os.MkdirAll(c.Config.Path("router"), 0o700); err != nil {
		return err
	}
	r, err := router.New(router.Config{
		HTTP: []net.Listener{c.listeners["http"]}, HTTPS: []net.Listener{c.listeners["https"]}, HTTP3: c.http3(),
		Certificates: users.GetCertificate, Socket: c.Config.Path("run", "router.sock"),
		SnapshotPath: c.Config.Path("router", "routes"), UsageDir: c.Config.Path("router", "usage"), Logs: logs, Log: log,
		SSH: execSocket(c.Config),
	})
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() {
		if why().Interrupted { // nobody takes over: what is open is cut, and said to be
			r.Hurry(lastWords)
		}
	})
	c.announce()
	return r.Run(ctx)
}

// moreFiles lets the router have as many descriptors as this machine grants: each
// connection takes one or two. Where it grants no more, the router takes as many
// clients as it can serve.
func moreFiles() {
	var now unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &now) != nil {
		return
	}
	for _, n := range []uint64{1 << 20, 1 << 18, now.Max} { // past what was given only as root
		if n >= now.Max && unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: n, Max: n}) == nil {
			return
		}
	}
}

// certificates loads the platform's certificate and returns what picks one for
// each handshake.
func certificates(c *child) (func(*tls.ClientHelloInfo) (*tls.Certificate, error), error) {
	local := cert.Local{Dir: c.Config.Path("ca")}
	loaded, err := local.Load(c.Config.Domain)
	if err != nil {
		return nil, err
	}
	issuer, err := local.Issuer(c.Config.Domain, loaded.Certificate)
	if err != nil {
		return nil, err
	}
	return issuer.GetCertificate, nil
}
