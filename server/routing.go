package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/router"
	"github.com/kigo-dev/kigo/store"
)

// routing keeps the router's snapshot in step with the store: it builds a whole
// new one after each change that the router can see.
type routing struct {
	store  *store.Store
	domain string
	send   func(*router.Snapshot)
	log    *slog.Logger
	wake   chan struct{}
}

func newRouting(st *store.Store, domain string, send func(*router.Snapshot), log *slog.Logger) *routing {
	return &routing{store: st, domain: domain, send: send, log: log, wake: make(chan struct{}, 1)}
}

// mark asks for a new snapshot.
func (r *routing) mark() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// run builds snapshots until ctx is done. Marks that come while one is built
// cause one more.
func (r *routing) run(ctx context.Context) error {
	r.mark()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-r.wake:
		}
		s, err := r.build(ctx)
		if err == nil {
			r.send(s)
			continue
		}
		if ctx.Err() == nil {
			r.log.Error("build router snapshot", "err", err)
			time.AfterFunc(time.Second, r.mark)
		}
	}
}

// build reads one snapshot at one moment.
func (r *routing) build(ctx context.Context) (*router.Snapshot, error) {
	s := &router.Snapshot{}
	err := r.store.View(ctx, func(tx *store.Tx) (err error) {
		if s.Revision, err = tx.Revision(); err != nil {
			return err
		}
		hosts, err := r.hosts(tx)
		if err != nil {
			return err
		}
		dynos, err := webDynos(tx)
		if err != nil {
			return err
		}
		apps, err := tx.Apps()
		if err != nil {
			return err
		}
		for _, a := range apps {
			if a.Destroying {
				continue
			}
			app, err := routedApp(tx, a)
			if err != nil {
				return fmt.Errorf("app %s: %w", a.Name, err)
			}
			app.Hosts = append(hosts[a.ID], a.Name+"."+r.domain)
			app.Dynos = dynos[a.ID]
			s.Apps = append(s.Apps, app)
		}
		return nil
	})
	return s, err
}

// hosts are all names that lead to each app, but for its own.
func (r *routing) hosts(tx *store.Tx) (map[kigo.AppID][]string, error) {
	hosts := map[kigo.AppID][]string{}
	former, err := tx.FormerNames()
	if err != nil {
		return nil, err
	}
	for _, f := range former {
		hosts[f.App] = append(hosts[f.App], f.Name+"."+r.domain)
	}
	domains, err := tx.AllDomains()
	for _, d := range domains {
		if d.Kind == kigo.DomainCustom {
			hosts[d.App] = append(hosts[d.App], d.Hostname)
		}
	}
	return hosts, err
}

// webDynos are the dynos that requests may go to, or wait for.
func webDynos(tx *store.Tx) (map[kigo.AppID][]router.Dyno, error) {
	all, err := tx.AllDynos()
	dynos := map[kigo.AppID][]router.Dyno{}
	for _, d := range all {
		if d.Type == "web" && !d.OneOff && !d.Stop {
			dynos[d.App] = append(dynos[d.App], router.Dyno{ID: d.ID, Name: d.Name(), Addr: d.Address, State: d.State})
		}
	}
	return dynos, err
}

func routedApp(tx *store.Tx, a kigo.App) (router.App, error) {
	app := router.App{ID: a.ID, Name: a.Name, Maintenance: a.Maintenance}
	release, err := tx.CurrentRelease(a.ID)
	if errors.Is(err, kigo.ErrNotFound) {
		return app, nil
	}
	if err != nil {
		return app, err
	}
	app.Released = release.Slug != ""
	vars, err := tx.ReleaseConfig(release.ID)
	if err != nil {
		return app, err
	}
	app.ErrorPage, app.MaintenancePage = vars["ERROR_PAGE_URL"], vars["MAINTENANCE_PAGE_URL"]
	f, err := tx.Formation(a.ID, "web")
	if err == nil {
		app.WebQuantity = f.Quantity
	} else if !errors.Is(err, kigo.ErrNotFound) {
		return app, err
	}
	app.Affinity, err = tx.FeatureEnabled(a.ID, "http-session-affinity")
	return app, err
}
