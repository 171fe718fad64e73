package server

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/registry"
)

// newRegistry serves the images of apps: a repository for each process type, APP/TYPE,
// for those who may deploy the app, with their API token as the password.
func (n *node) newRegistry() *registry.Registry {
	return &registry.Registry{Dir: n.cfg.Path("registry"), Realm: "kigo", Access: n.repository, Room: room(machineWith(n.cfg.Data))}
}

// registrySweep is how often what nobody needs is removed from the registry.
const registrySweep = time.Hour

// sweepRegistry removes it now and then until ctx is done.
func (n *node) sweepRegistry(ctx context.Context) error {
	tick := time.NewTicker(registrySweep)
	defer tick.Stop()
	for {
		if err := n.registry.Sweep(); err != nil {
			n.log.Warn("sweep the registry", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// repository finds the folder of a repository, which stays the app's when it is renamed.
func (n *node) repository(r *http.Request, name string, write bool) (string, error) {
	_, token, _ := r.BasicAuth()
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		token = bearer
	}
	if name == "" {
		_, _, err := n.control.Authenticate(r.Context(), token)
		return "", registryError(err, name)
	}
	if name == stackRepository && !write { // bases for whoever may log in
		if _, _, err := n.control.Authenticate(r.Context(), token); err != nil {
			return "", registryError(err, name)
		}
		return stackKey, n.ensureBase(r)
	}
	app, typ, _ := strings.Cut(name, "/")
	found, _, err := n.authorizePush(r.Context(), token, app, write)
	if err == nil && (!kigo.ValidProcessType(typ) || found.Destroying) {
		err = kigo.NotFound("app")
	}
	return repositoryKey(found.ID, typ), registryError(err, name)
}

func repositoryKey(app kigo.AppID, typ string) string { return string(app) + "_" + typ }

// registryError tells a client of the registry what the platform says.
func registryError(err error, name string) error {
	e, ours := kigo.AsError(err)
	switch {
	case !ours:
		return err
	case e.ID == kigo.IDUnauthorized:
		return registry.Unauthorized()
	case e.ID == kigo.IDNotFound:
		return registry.Unknown(name)
	}
	return registry.Denied(e.Message)
}
