package git

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/blob"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/output"
)

// Config is what a Server needs.
type Config struct {
	Dir     string // repos/
	Hooks   string // a folder for the hook, which the apps' user ids must be able to reach
	Program string // our binary; empty: the running one
	Blobs   *blob.Store
	Output  *output.Store
	Log     *slog.Logger // nil: slog.Default
	Platform

	MaxPush int64 // bytes of one pack; 0: DefaultMaxPush
}

// DefaultMaxPush is the largest pack that is taken (Heroku's limit of a
// repository is 1 GB).
const DefaultMaxPush = 1 << 30

// Platform is what a push needs of the rest of the program.
type Platform struct {
	// Authorize says who has that token and which app is meant, when the token
	// may read it or, with write, push to it. Its errors are kigo.Error.
	Authorize func(ctx context.Context, token, app string, write bool) (kigo.App, control.Actor, error)
	// Build starts a build and returns at once.
	Build func(ctx context.Context, by control.Actor, app kigo.App, source kigo.Source) (kigo.Build, error)
	// WaitBuild returns a build once it is not pending any more.
	WaitBuild func(ctx context.Context, id kigo.BuildID) (kigo.Build, error)
	// Release is a release as it is now; WaitRelease once it is not pending.
	Release     func(ctx context.Context, id kigo.ReleaseID) (kigo.Release, error)
	WaitRelease func(ctx context.Context, id kigo.ReleaseID) (kigo.Release, error)
	// RepoSize is told the size of a repository after each push; may be nil.
	RepoSize func(ctx context.Context, app kigo.AppID, bytes int64)
}

// Server is the http.Handler for /APP.git/….
type Server struct {
	Config
	hook string // the folder that core.hooksPath names

	mu     sync.Mutex
	pushes map[kigo.AppID]*push // the one push per app that has come to its hook
	live   map[*push]bool       // every receive-pack that runs
}

// New prepares the folders, installs the hook and removes what killed pushes left.
func New(c Config) (*Server, error) {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.MaxPush == 0 {
		c.MaxPush = DefaultMaxPush
	}
	if c.Authorize == nil || c.Build == nil || c.WaitBuild == nil || c.Release == nil || c.WaitRelease == nil || c.Blobs == nil || c.Output == nil {
		return nil, errors.New("git server: every callback and store must be set")
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return nil, err
	}
	c.Dir = dir
	s := &Server{Config: c, pushes: map[kigo.AppID]*push{}, live: map[*push]bool{}}
	if err := s.install(); err != nil {
		return nil, err
	}
	return s, s.Sweep()
}

// Match reports whether a path is the git server's: /NAME.git/….
func Match(path string) bool {
	_, _, ok := parsePath(path)
	return ok
}

// parsePath splits "/NAME.git/SERVICE".
func parsePath(path string) (name, service string, ok bool) {
	name, service, ok = strings.Cut(strings.TrimPrefix(path, "/"), ".git/")
	return name, service, ok && name != "" && !strings.Contains(name, "/")
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, service, ok := parsePath(r.URL.Path)
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "no-cache, max-age=0, must-revalidate")
	w.Header().Set("Expires", "Fri, 01 Jan 1980 00:00:00 GMT")
	w.Header().Set("Pragma", "no-cache")
	rpc := service
	if service == "info/refs" {
		rpc = r.URL.Query().Get("service")
	}
	if rpc != "git-receive-pack" && rpc != "git-upload-pack" {
		http.Error(w, "Only git's smart HTTP protocol is served here. Use a current git.", http.StatusForbidden)
		return
	}
	app, by, err := s.authorize(r, name, rpc == "git-receive-pack")
	if err != nil {
		s.refuse(w, name, err)
		return
	}
	repo, err := s.open(app)
	if err != nil {
		s.refuse(w, name, err)
		return
	}
	switch {
	case service == "info/refs" && r.Method == http.MethodGet:
		s.advertise(w, r, repo, rpc)
	case service != "info/refs" && r.Method == http.MethodPost:
		if r.Header.Get("Content-Type") != "application/x-"+rpc+"-request" {
			http.Error(w, "Content-Type must be application/x-"+rpc+"-request.", http.StatusUnsupportedMediaType)
			return
		}
		if rpc == "git-receive-pack" {
			s.receive(w, r, repo, by)
		} else {
			s.upload(w, r, repo)
		}
	default:
		http.Error(w, "Method not allowed.", http.StatusMethodNotAllowed)
	}
}

var errNoToken = errors.New("no token")

// authorize reads Basic authentication: any user name with the token as password,
// or the token alone as user name.
func (s *Server) authorize(r *http.Request, name string, write bool) (kigo.App, control.Actor, error) {
	user, token, ok := r.BasicAuth()
	if token == "" {
		token = user
	}
	if !ok || token == "" {
		return kigo.App{}, control.Actor{}, errNoToken
	}
	return s.Authorize(r.Context(), token, name, write)
}

// refuse answers with a status and a text that git shows behind "remote:".
func (s *Server) refuse(w http.ResponseWriter, name string, err error) {
	status, text := http.StatusInternalServerError, "The platform could not serve this repository. Try again, and tell its operator if it stays so."
	known, isKnown := kigo.AsError(err)
	switch {
	case errors.Is(err, errNoToken):
		status, text = http.StatusUnauthorized, "Authentication required: the password is an API token."
	case isKnown && known.ID == kigo.IDUnauthorized:
		status, text = http.StatusUnauthorized, " !     Invalid credentials provided. The password must be an API token that is not revoked."
	case isKnown && known.ID == kigo.IDNotFound:
		status, text = http.StatusNotFound, " !     No such app as "+name+"."
	case isKnown && known.ID == kigo.IDForbidden:
		status, text = http.StatusForbidden, " !     "+known.Message
	case isKnown && known.ID == kigo.IDGone:
		status, text = http.StatusGone, " !     "+known.Message
	case isKnown && known.ID == kigo.IDRateLimit:
		status, text = http.StatusTooManyRequests, " !     "+known.Message
	case isKnown:
		status, text = http.StatusForbidden, " !     "+known.Message
	default:
		s.Log.Error("git request cannot be served", "app", name, "err", err)
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="kigo"`)
	}
	http.Error(w, text, status)
}
