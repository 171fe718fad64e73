package api

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/logplex"
	"github.com/kigo-dev/kigo/metrics"
	"github.com/kigo-dev/kigo/store"
)

// Deps are what the API stands on.
type Deps struct {
	Control *control.Control
	Store   *store.Store
	Logs    *logplex.Sessions
	Output  Output
	Blobs   Blobs
	Slugs   SlugArchives // nil: slugs are neither taken nor given
	Cache   BuildCache   // nil: there is nothing to purge
	Images  Images       // nil: container images cannot be released
	Patches Patches      // nil: stacks are never patched
	Exec    Tunnels      // nil: nobody comes into dynos

	Settle  func(context.Context) error // returns when the router does what was written before; nil: nobody waits for it
	EcoPool time.Duration               // of dyno-hours on sizes that sleep, for each account and month; 0: there is no pool

	History    *metrics.History       // nil: no metrics are kept
	Collectors []prometheus.Collector // of the platform, for the operator's Prometheus

	Key     []byte                                      // secret of capability addresses, the same after a restart
	BaseURL string                                      // of this API, such as "https://kigo.example.com:5000"; empty: as each client reached it
	WebURL  func(app string) string                     // where an app is served
	GitURL  func(r *http.Request, app string) string    // where it is pushed to; nil: below BaseURL
	Attach  func(r *http.Request, secret string) string // rendezvous address of an attached one-off
	Stacks  []string                                    // the default one first

	Log *slog.Logger     // nil: slog.Default
	Now func() time.Time // nil: time.Now
}

// Output holds the output streams of builds and release phases (output.Store).
type Output interface {
	Open(ctx context.Context, key string) (io.ReadCloser, error)
	Exists(key string) bool
}

// Blobs holds uploads (blob.Store).
type Blobs interface {
	PutKey(ctx context.Context, key string, r io.Reader) (int64, error)
	Open(ctx context.Context, key string) (*os.File, error)
}

// SlugArchives are slugs as tarballs. Adopt turns one that a client uploaded, kept
// as a blob which it removes, into a slug that can run; Archive writes one. What is
// in them is a tenant's: it is read in a sandbox.
type SlugArchives interface {
	Adopt(ctx context.Context, slug kigo.Slug, blob string) error
	Archive(ctx context.Context, slug kigo.Slug, w io.Writer) error
}

// BuildCache forgets what an app's builds have kept.
type BuildCache interface {
	Purge(ctx context.Context, app kigo.AppID) error
}

// Server is the API as an http.Handler.
type Server struct {
	Deps
	table     []route
	mux       *chi.Mux
	rate      *limiter // by account
	logins    *limiter // failed logins, by e-mail address and by network
	cliLogins cliLogins

	inputs             inputBook
	writers, strangers *limiter // of log lines, by input and by network
}

// New returns the API.
func New(d Deps) (*Server, error) {
	switch {
	case d.Control == nil || d.Store == nil || d.Logs == nil || d.Output == nil || d.Blobs == nil || d.WebURL == nil:
		return nil, errors.New("make api: Control, Store, Logs, Output, Blobs and WebURL are required")
	case len(d.Key) < 32:
		return nil, errors.New("make api: the key of capability addresses needs 32 bytes")
	case len(d.Stacks) == 0:
		return nil, errors.New("make api: no stack")
	}
	if d.Log == nil {
		d.Log = slog.Default()
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	s := &Server{Deps: d, table: allRoutes(), mux: chi.NewMux()}
	s.rate = newLimiter(rateBurst, ratePerMinute, d.Now)
	if d.Logs.Allowed == nil {
		d.Logs.Allowed = s.mayReadLogs
	}
	s.logins = newLimiter(loginBurst, loginPerMinute, d.Now)
	s.writers = newLimiter(inputBurst, inputPerMinute, d.Now)
	s.strangers = newLimiter(unknownBurst, unknownPerMinute, d.Now)
	for _, rt := range s.table {
		s.mux.MethodFunc(rt.method, rt.pattern, s.serve(rt))
	}
	s.mux.NotFound(s.serve(unknown))
	s.mux.MethodNotAllowed(s.serve(unknown))
	return s, nil
}

// unknown answers whatever no route stands for.
var unknown = route{access: open, handle: func(*call) (reply, error) {
	return reply{}, newError(kigo.IDNotFound, "The requested API endpoint was not found. Are you using the right HTTP verb "+
		"(i.e. `GET` vs. `POST`), and did you specify your intended version with the `Accept` header?")
}}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	cors(w.Header())
	switch r.Method {
	case http.MethodOptions:
		w.WriteHeader(http.StatusOK)
		return
	case http.MethodHead:
		r = withMethod(r, http.MethodGet)
		w = bodyless{w}
	case http.MethodPost:
		r = withMethod(r, override(r.Header.Get("X-Http-Method-Override")))
	}
	s.mux.ServeHTTP(w, r)
}
