// Package acme gets certificates for the custom domains of apps that ask for it
// (certs:auto) from a certificate authority, and renews them. It owns how it stands
// with each domain's certificate, the automatic certificates themselves, and the
// challenges that the router answers while the authority looks.
//
// A domain is tried again after a failure, each time later, and given up after some
// days until its owner asks again; a certificate that must be renewed is never
// given up while it is valid. The protocol is acmez's (RFC 8555).
//
// Start reading at Loop.Reconcile, then policy.go for when, order.go for how.
package acme

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/reconcile"
	"github.com/kigo-dev/kigo/store"
)

// Loop keeps the domains of all apps in certificates. Fields are set before Run.
type Loop struct {
	Store     *store.Store
	Logs      Logs                        // of the apps
	Directory string                      // the authority's; empty: nothing is done
	Email     string                      // told to the authority; may be empty
	Roots     *x509.CertPool              // what the directory's own certificate is checked with; nil: the machine's
	Settle    func(context.Context) error // returns when the router has what was written before
	Log       *slog.Logger

	loop   reconcile.Loop
	client *client
}

// Logs takes lines for apps' log streams.
type Logs interface {
	Write(app kigo.AppID, lines ...kigo.LogLine)
}

const (
	orderLimit = 3 * time.Minute // for one certificate
	resync     = 30 * time.Minute
	atOnce     = 4
)

// Run works until ctx is done.
func (l *Loop) Run(ctx context.Context) error {
	if l.Directory == "" {
		<-ctx.Done()
		return nil
	}
	l.client = newClient(l)
	// What an earlier process asked for, nobody waits for now.
	if err := l.Store.Update(ctx, func(tx *store.Tx) error { return tx.DeleteChallenges() }); err != nil {
		return fmt.Errorf("start automatic certificates: %w", err)
	}
	l.loop.Settings = reconcile.Settings{Name: "acme", Reconciler: l, Keys: l.keys, Workers: atOnce, Resync: resync, Log: l.Log}
	return l.loop.Run(ctx)
}

// Mark hints that an app's domains, or its wish for certificates, may have changed.
func (l *Loop) Mark(app kigo.AppID) {
	if l.Directory != "" {
		l.loop.Mark(string(app))
	}
}

func (l *Loop) keys(ctx context.Context) (keys []string, err error) {
	err = l.Store.View(ctx, func(tx *store.Tx) error {
		apps, err := tx.AppsWithACM()
		for _, a := range apps {
			keys = append(keys, string(a.ID))
		}
		return err
	})
	return keys, err
}

// Reconcile gets what an app's domains lack, one after the other, and says when
// to look again.
func (l *Loop) Reconcile(ctx context.Context, key string) (reconcile.Result, error) {
	app, domains, certs, err := l.read(ctx, kigo.AppID(key))
	if errors.Is(err, kigo.ErrNotFound) || err == nil && (!app.ACM || app.Destroying) {
		return reconcile.Result{}, nil
	}
	if err != nil {
		return reconcile.Result{}, fmt.Errorf("read domains: %w", err)
	}
	after := resync
	for _, d := range domains {
		if d.Kind != kigo.DomainCustom {
			continue
		}
		wait, err := l.domain(ctx, d, certs[d.SNIEndpoint])
		if err != nil {
			return reconcile.Result{}, fmt.Errorf("certificate of %s: %w", d.Hostname, err)
		}
		after = min(after, wait)
	}
	return reconcile.Result{After: after}, nil
}

func (l *Loop) read(ctx context.Context, id kigo.AppID) (app kigo.App, domains []kigo.Domain, certs map[string]kigo.SNIEndpoint, err error) {
	certs = map[string]kigo.SNIEndpoint{}
	err = l.Store.View(ctx, func(tx *store.Tx) error {
		if app, err = tx.App(id); err != nil || !app.ACM {
			return err
		}
		if domains, err = tx.Domains(id); err != nil {
			return err
		}
		all, err := tx.SNIEndpoints(id)
		for _, e := range all {
			certs[e.ID] = e
		}
		return err
	})
	return app, domains, certs, err
}

// domain does what is due for one domain, and returns how long nothing will be.
func (l *Loop) domain(ctx context.Context, d kigo.Domain, have kigo.SNIEndpoint) (time.Duration, error) {
	now := time.Now()
	var leaf *x509.Certificate
	switch {
	case have.ID != "" && !have.Automatic: // its owner's own
		return resync, l.write(ctx, d, kigo.AutomaticCertificate{})
	case strings.HasPrefix(d.Hostname, "*."):
		return resync, l.write(ctx, d, kigo.AutomaticCertificate{Status: kigo.ACMFailed,
			Reason: "A wildcard gets no automatic certificate: upload one with certs:add."})
	case have.ID != "":
		var err error
		if leaf, err = control.Leaf(have.Chain); err != nil {
			return 0, err
		}
	}
	wait, state := next(now, d.Automatic, leaf)
	if wait > 0 {
		return wait, l.write(ctx, d, state)
	}
	state.Status = kigo.ACMInProgress
	if leaf == nil {
		if err := l.write(ctx, d, state); err != nil {
			return 0, err
		}
	}
	order, cancel := context.WithTimeout(ctx, orderLimit)
	defer cancel()
	chain, key, err := l.client.obtain(order, d)
	if err != nil {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		return l.failed(ctx, d, state, leaf, err)
	}
	return resync, l.keep(ctx, d, have, chain, key)
}

// failed writes why, and when it will be tried again.
func (l *Loop) failed(ctx context.Context, d kigo.Domain, state kigo.AutomaticCertificate, leaf *x509.Certificate, why error) (time.Duration, error) {
	state = after(time.Now(), state, leaf, reason(why))
	l.Log.Warn("get certificate", "host", d.Hostname, "tries", state.Tries, "err", why)
	l.say(d.App, fmt.Sprintf("No certificate for %s: %s", d.Hostname, state.Reason))
	if state.Status == kigo.ACMFailed {
		return resync, l.write(ctx, d, state)
	}
	return time.Until(state.Next), l.write(ctx, d, state)
}

// write keeps the state of a domain when it is another one than before.
func (l *Loop) write(ctx context.Context, d kigo.Domain, state kigo.AutomaticCertificate) error {
	if state == d.Automatic {
		return nil
	}
	return l.Store.Update(ctx, func(tx *store.Tx) error {
		now, err := tx.FindDomain(d.App, d.ID)
		if errors.Is(err, kigo.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		now.Automatic = state
		return tx.UpdateAutomaticCertificate(&now)
	})
}

// keep serves the domain with a new certificate from now on, unless it is gone,
// has got another one, or none is wanted any more.
func (l *Loop) keep(ctx context.Context, d kigo.Domain, have kigo.SNIEndpoint, chain, key string) error {
	kept := false
	err := l.Store.Update(ctx, func(tx *store.Tx) error {
		app, err := tx.App(d.App)
		if errors.Is(err, kigo.ErrNotFound) || err == nil && (!app.ACM || app.Destroying) {
			return nil
		}
		if err != nil {
			return err
		}
		now, err := tx.FindDomain(d.App, d.ID)
		if errors.Is(err, kigo.ErrNotFound) || err == nil && now.SNIEndpoint != have.ID {
			return nil
		}
		if err != nil {
			return err
		}
		kind := "sni-endpoint.update"
		have.Chain, have.PrivateKey = chain, key
		if have.ID == "" {
			kind = "sni-endpoint.create"
			have.App, have.Name, have.Automatic = d.App, kigo.GenerateAppName(), true
			err = tx.CreateSNIEndpoint(&have)
		} else {
			err = tx.UpdateSNIEndpoint(&have)
		}
		if err != nil {
			return err
		}
		kept = true
		now.SNIEndpoint, now.Automatic = have.ID, kigo.AutomaticCertificate{Status: kigo.ACMIssued}
		return errors.Join(tx.UpdateAutomaticCertificate(&now), tx.Emit(kigo.Event{Kind: kind, App: d.App, Key: have.ID}))
	})
	if err == nil && kept {
		until := ""
		if leaf, err := control.Leaf(chain); err == nil {
			until = ", valid until " + leaf.NotAfter.UTC().Format(time.DateOnly)
		}
		l.say(d.App, "Certificate for "+d.Hostname+" issued"+until)
	}
	return err
}

func (l *Loop) say(app kigo.AppID, text string) {
	if l.Logs != nil {
		l.Logs.Write(app, kigo.LogLine{Time: time.Now(), Source: "heroku", Process: "acm", Message: text})
	}
}
