package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/internal/killpoint"
	"github.com/kigo-dev/kigo/router"
	"github.com/kigo-dev/kigo/store"
)

// routing keeps the router's routes in step with the store: all of them at the
// start and now and then, else those of the apps that events name.
type routing struct {
	store  *store.Store
	domain string
	feed   *router.Feed
	spent  func(*store.Tx, kigo.AccountID) (bool, error) // whose dyno hours are used up; nil: nobody's
	log    *slog.Logger
	wake   chan struct{}

	revision int64                 // that the feed has; 0: none
	whole    time.Time             // when all routes were read
	former   map[string]kigo.AppID // who is routed by a name of before
}

const (
	routingResync = 10 * time.Minute
	routingEvents = 1000 // to follow; after more all routes are read
)

func newRouting(st *store.Store, domain string, feed *router.Feed, log *slog.Logger) *routing {
	return &routing{store: st, domain: domain, feed: feed, log: log, wake: make(chan struct{}, 1)}
}

// mark says that there are new events.
func (r *routing) mark() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// run tells the router what changes until ctx is done. Marks that come meanwhile
// cause one more look.
func (r *routing) run(ctx context.Context) error {
	r.mark()
	resync := time.NewTicker(routingResync)
	defer resync.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-resync.C:
		case <-r.wake:
		}
		if err := r.look(ctx); err != nil && ctx.Err() == nil {
			r.log.Error("read routes", "err", err)
			time.AfterFunc(time.Second, r.mark)
		}
	}
}

// look reads what is new at one moment, and sends it.
func (r *routing) look(ctx context.Context) error {
	var revision int64
	var apps []router.App
	var gone []kigo.AppID
	whole := r.revision == 0 || time.Since(r.whole) >= routingResync
	err := r.store.View(ctx, func(tx *store.Tx) (err error) {
		if revision, err = tx.Revision(); err != nil {
			return err
		}
		var events []kigo.Event
		if !whole {
			events, err = tx.EventsAfter(r.revision, routingEvents+1)
		}
		if whole = whole || len(events) > routingEvents; err != nil || whole {
			return errors.Join(err, r.all(tx, &apps))
		}
		return r.some(tx, events, &apps, &gone)
	})
	if err != nil {
		return err
	}
	r.revision = revision
	killpoint.Pass("routes-read")
	if whole {
		r.whole = time.Now()
		r.feed.Send(&router.Snapshot{Revision: revision, Apps: apps})
		return nil
	}
	r.feed.Update(revision, apps, gone)
	return nil
}

// all reads every app's routes.
func (r *routing) all(tx *store.Tx, out *[]router.App) error {
	hosts, err := r.hosts(tx)
	if err != nil {
		return err
	}
	all, err := tx.AllDynos()
	if err != nil {
		return err
	}
	dynos := webDynos(all)
	apps, err := tx.Apps()
	if err != nil {
		return err
	}
	for _, a := range apps {
		if a.Destroying {
			continue
		}
		app, err := r.routedApp(tx, a)
		if err != nil {
			return fmt.Errorf("app %s: %w", a.Name, err)
		}
		app.Hosts = append(hosts[a.ID], a.Name+"."+r.domain)
		app.Dynos = dynos[a.ID]
		*out = append(*out, app)
	}
	return nil
}

// some reads the routes of the apps that events name.
func (r *routing) some(tx *store.Tx, events []kigo.Event, apps *[]router.App, gone *[]kigo.AppID) error {
	queue, seen := []kigo.AppID{}, map[kigo.AppID]bool{"": true}
	add := func(id kigo.AppID) {
		if !seen[id] {
			seen[id] = true
			queue = append(queue, id)
		}
	}
	for _, e := range events {
		add(e.App)
	}
	for len(queue) > 0 {
		id := queue[0]
		queue = queue[1:]
		a, err := tx.App(id)
		if errors.Is(err, kigo.ErrNotFound) || err == nil && a.Destroying {
			*gone = append(*gone, id)
			continue
		}
		if err != nil {
			return err
		}
		app, err := r.one(tx, a)
		if err != nil {
			return fmt.Errorf("app %s: %w", a.Name, err)
		}
		*apps = append(*apps, app)
		add(r.former[a.Name]) // who had the name may have lost it
	}
	return nil
}

// one reads an app's routes.
func (r *routing) one(tx *store.Tx, a kigo.App) (router.App, error) {
	app, err := r.routedApp(tx, a)
	if err != nil {
		return app, err
	}
	former, err := tx.FormerNamesOf(a.ID)
	if err != nil {
		return app, err
	}
	for _, f := range former {
		r.former[f.Name] = a.ID
		app.Hosts = append(app.Hosts, f.Name+"."+r.domain)
	}
	domains, err := tx.Domains(a.ID)
	if err != nil {
		return app, err
	}
	for _, d := range domains {
		if d.Kind == kigo.DomainCustom {
			app.Hosts = append(app.Hosts, d.Hostname)
		}
	}
	app.Hosts = append(app.Hosts, a.Name+"."+r.domain)
	dynos, err := tx.Dynos(a.ID)
	app.Dynos = webDynos(dynos)[a.ID]
	return app, err
}

// hosts are all names that lead to each app, but for its own.
func (r *routing) hosts(tx *store.Tx) (map[kigo.AppID][]string, error) {
	hosts := map[kigo.AppID][]string{}
	former, err := tx.FormerNames()
	if err != nil {
		return nil, err
	}
	r.former = make(map[string]kigo.AppID, len(former))
	for _, f := range former {
		r.former[f.Name] = f.App
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
func webDynos(all []kigo.Dyno) map[kigo.AppID][]router.Dyno {
	dynos := map[kigo.AppID][]router.Dyno{}
	for _, d := range all {
		if d.Type == "web" && !d.OneOff && !d.Stop {
			dynos[d.App] = append(dynos[d.App], router.Dyno{ID: d.ID, Name: d.Name(), Addr: d.Address, State: d.State})
		}
	}
	return dynos
}

func (r *routing) routedApp(tx *store.Tx, a kigo.App) (router.App, error) {
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
		if size, e := kigo.FindSize(f.Size); e == nil && size.Sleeps && r.spent != nil {
			if app.Suspended, err = r.spent(tx, a.Owner); err != nil {
				return app, err
			}
		}
	} else if !errors.Is(err, kigo.ErrNotFound) {
		return app, err
	}
	if app.Affinity, err = tx.FeatureEnabled(a.ID, "http-session-affinity"); err != nil {
		return app, err
	}
	if app.ForceHTTPS, err = tx.FeatureEnabled(a.ID, "force-https"); err != nil {
		return app, err
	}
	if !a.ACM {
		return app, nil
	}
	challenges, err := tx.Challenges(a.ID)
	for _, c := range challenges {
		app.Challenges = append(app.Challenges, router.Challenge{Host: c.Host, Token: c.Token, Answer: c.Answer})
	}
	return app, err
}
