package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/api"
	"github.com/kigo-dev/kigo/build"
	"github.com/kigo-dev/kigo/dyno"
	"github.com/kigo-dev/kigo/git"
	"github.com/kigo-dev/kigo/internal/lifecycle"
	"github.com/kigo-dev/kigo/logplex"
	"github.com/kigo-dev/kigo/metrics"
	"github.com/kigo-dev/kigo/registry"
	"github.com/kigo-dev/kigo/rendezvous"
	"github.com/kigo-dev/kigo/store"
)

// stages is the order in which the control process starts; it stops in reverse.
func (n *node) stages(ctx context.Context) (*lifecycle.Group, error) {
	var since int64
	err := n.store.View(ctx, func(tx *store.Tx) (err error) {
		since, err = tx.Revision()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read revision: %w", err)
	}
	front, err := n.front()
	if err != nil {
		return nil, err
	}
	logs, err := listenUnix(n.cfg.Path("run", "logplex.sock"))
	if err != nil {
		return nil, err
	}
	certificate, err := certificates(n.child)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{GetCertificate: certificate, MinVersion: tls.VersionTLS12}
	apiListener := n.child.listeners["api"]
	web := &http.Server{Handler: front, ReadHeaderTimeout: 20 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(n.log.Handler(), slog.LevelDebug)}
	console := &rendezvous.Server{Listener: tls.NewListener(n.child.listeners["rendezvous"], config), Open: n.openConsole, Log: n.log}

	g := &lifecycle.Group{Log: n.log}
	g.Stage(service("logs", n.hub.Run))
	g.Stage(
		service("log input", func(ctx context.Context) error { return logplex.Serve(ctx, logs, n.hub) }),
		service("routes to router", n.feed.Run),
		service("log drains", n.drains.Run),
		service("webhooks", n.webhooks().Run),
		service("samples", n.samples.Run),
		service("history", n.history.Run),
		service("meter", n.meter),
		service("alerts", n.alerts.Run), service("mail", n.mail),
		service("telemetry", n.telemetry().Run),
	)
	g.Stage(
		service("routing", n.routing.run),
		service("dynos", n.agent.Run),
		service("traffic", n.traffic),
		service("formation", n.formation.Run),
		service("releases", n.release.Run),
		service("builds", n.builds.Run),
		service("setups", n.setups.Run),
		service("patches", n.patches.Run),
		service("usage of dynos", n.meterDynos),
		service("retention", n.retention.Run),
		service("audit", n.trimAudit),
		service("registry", n.sweepRegistry),
		service("events", func(ctx context.Context) error { return n.follow(ctx, since) }),
		service("certificates", n.writeCertificates),
		service("automatic certificates", n.acme.Run),
	)
	g.Stage(
		service("api", func(ctx context.Context) error {
			return serve(ctx, web, newDualListener(apiListener, config, isLoopback(apiListener.Addr())))
		}),
		service("rendezvous", console.Run),
		service("exec", n.serveExec),
	)
	return g, nil
}

// sampler tells apps that ask what their dynos use.
func (n *node) sampler() *metrics.Sampler {
	return &metrics.Sampler{Store: n.store, History: n.history, Logs: n.hub, Log: n.log, Stats: func(ctx context.Context, d kigo.Dyno) (kigo.RunStats, error) {
		return n.engine.Stats(ctx, dyno.RunID(d))
	}}
}

// follow hands every event since the revision to the loops. It is that of before anything
// started: what came earlier the loops find by their first look, and what comes
// after that look they are told.
func (n *node) follow(ctx context.Context, since int64) error {
	return n.store.Follow(ctx, since, func(e kigo.Event) error {
		n.changes.ring()
		return n.dispatch(e)
	})
}

// front serves git and the API on one address.
func (n *node) front() (http.Handler, error) {
	var err error
	n.git, err = git.New(git.Config{
		Dir: n.cfg.Path("repos"), Hooks: n.cfg.Path("hooks"), Blobs: n.blobs, Output: n.outputs, Log: n.log, Platform: n.pushes(),
	})
	if err != nil {
		return nil, err
	}
	sessions := &logplex.Sessions{Hub: n.hub, Key: n.box.Derive("log sessions")}
	n.platform, err = api.New(api.Deps{
		Control: n.control, Store: n.store, Logs: sessions, Output: n.outputs, Blobs: n.blobs,
		Key: n.box.Derive("capability addresses"), WebURL: n.webURL, GitURL: n.gitURL, Attach: n.attachURL,
		Stacks: []string{n.cfg.Stack, kigo.StackContainer}, Settle: n.settle, Slugs: slugArchives{n}, Cache: buildCache{n}, Exec: tunnels{n}, EcoPool: n.cfg.EcoPool(), Images: containerImages{n}, Patches: stackPatches{n}, History: n.history, Log: n.log,
	})
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if git.Match(r.URL.Path) {
			n.git.ServeHTTP(w, r)
			return
		}
		if registry.Match(r.URL.Path) {
			n.registry.ServeHTTP(w, r)
			return
		}
		n.platform.ServeHTTP(w, r)
	}), nil
}

func (n *node) makeBuilds() (err error) {
	n.builds, err = build.New(build.Config{
		Dir: n.cfg.Data, Store: n.store, Control: n.control, Engine: n.engine, Slugs: n.slugs, Blobs: n.blobs, Output: n.outputs,
		Images: dockerfiles{n}, EmptyDisk: n.engine.EmptyDisk, Stack: n.buildStack, URL: func(a kigo.App) string { return n.webURL(a.Name) }, Log: n.log, Slots: n.cfg.Builds,
		Buildpacks: n.cfg.Buildpacks, Allowed: strings.FieldsFunc(n.cfg.AllowBuildpacks, func(r rune) bool { return r == ',' || r == ' ' }),
	})
	return err
}

// webURL is where an app is served.
func (n *node) webURL(app string) string {
	return "http://" + hostPort(app+"."+n.cfg.Domain, n.child.Addresses["http"], "80") + "/"
}

// gitURL is where an app is pushed to.
func (n *node) gitURL(r *http.Request, app string) string {
	return "https://" + reached(n.child.Addresses["api"], r) + "/" + app + ".git"
}

// reached is an address as who asks can reach it: a server that listens for other
// machines is where they found it.
func reached(addr string, r *http.Request) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || isLoopbackHost(host) {
		return addr
	}
	asked := (&url.URL{Host: r.Host}).Hostname()
	if asked == "" {
		return addr
	}
	return net.JoinHostPort(asked, port)
}

func isLoopbackHost(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// attachURL is where the terminal of a one-off is.
func (n *node) attachURL(r *http.Request, secret string) string {
	return "rendezvous://" + reached(n.child.Addresses["rendezvous"], r) + "/" + secret
}

// openConsole connects a rendezvous client to the dyno that waits for it.
func (n *node) openConsole(ctx context.Context, secret string) (rendezvous.Session, error) {
	var d kigo.Dyno
	err := n.store.View(ctx, func(tx *store.Tx) (err error) {
		d, err = tx.DynoBySecret(secret)
		return err
	})
	if err == nil {
		err = n.control.MayAttach(ctx, d) // before anything runs
	}
	if err != nil {
		return rendezvous.Session{}, err
	}
	d, conn, err := n.agent.Attach(ctx, secret)
	return rendezvous.Session{
		Stream: conn, NoTTY: d.Attach.NoTTY, Piped: d.Attach.NoTTY || d.Env["COLUMNS"] == "",
		May: func(ctx context.Context) error { return n.control.MayAttach(ctx, d) },
	}, err
}

// listenUnix listens on a socket that an earlier process may have left.
func listenUnix(path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("remove old socket: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return l, nil
}

// isLoopback reports whether an address can be reached from this machine only.
func isLoopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}
