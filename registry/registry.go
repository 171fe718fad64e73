// Package registry is an OCI registry: the distribution API over a folder, to which
// clients such as docker push the images of apps.
//
// It owns its folder. It promises that content is served under a digest only after
// its bytes were hashed, that a repository shows what was pushed to it or mounted into it and nothing of
// another, and that what was acknowledged survives a crash. Who may do what is asked of
// Access for each request. The distribution specification's conformance suite passes.
//
//	blobs/ALG-HEX                     content, shared by all repositories
//	repos/KEY/blobs/ALG-HEX           that a repository has it
//	repos/KEY/manifests/ALG-HEX       a manifest of it
//	repos/KEY/tags/TAG                the digest that a tag names
//	uploads/ID                        content on its way
//
// Start reading at Registry.ServeHTTP, then blobs.go, uploads.go, manifests.go.
package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
)

// Limits of what a client may push.
const (
	MaxManifest = 4 << 20  // bytes, as the specification asks for at least
	MaxBlob     = 10 << 30 // bytes of one layer
	maxName     = 255
)

// Access says where a repository's content is and whether the request may read or
// change it. Key is one name of a folder. An Error is answered as it is, any other is 500.
type Access func(r *http.Request, repository string, write bool) (key string, err error)

// Registry is the registry of one folder. Set the fields before its first use.
type Registry struct {
	Dir    string
	Access Access
	Room   func() error // asked before anything is stored; nil: there is always room
	Realm  string       // of the challenge to clients that did not say who they are

	uploads sync.Map   // id → *sync.Mutex: one request at a time writes to an upload
	keeping sync.Mutex // held while a manifest is kept or forgotten, so that what it names stays as long
}

// Error is an answer to a client, with a code of the specification.
type Error struct {
	Status  int
	Code    string
	Message string
}

func (e *Error) Error() string { return e.Message }

func refuse(status int, code, message string, args ...any) *Error {
	return &Error{status, code, fmt.Sprintf(message, args...)}
}

// Unauthorized asks a client for its token; Denied and Unknown are for those that gave one.
func Unauthorized() error {
	return refuse(http.StatusUnauthorized, "UNAUTHORIZED", "log in first: docker login, with your API token as the password")
}

// Denied is for who may see a repository but not do this.
func Denied(message string) error { return refuse(http.StatusForbidden, "DENIED", "%s", message) }

// Unknown is for a repository that does not exist, or not for the one who asks.
func Unknown(repository string) error {
	return refuse(http.StatusNotFound, "NAME_UNKNOWN", "there is no repository %.100q: its name is APP/PROCESS-TYPE", repository)
}

var (
	nameRule  = regexp.MustCompile(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$`)
	tagRule   = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)
	routeRule = regexp.MustCompile(`^/v2/(.+)/(blobs|manifests|tags|referrers)/(.*)$`)
)

// Match reports whether a path is the registry's.
func Match(path string) bool {
	return path == "/v2" || path == "/v2/" || strings.HasPrefix(path, "/v2/")
}

// request is one request to a repository.
type request struct {
	*Registry
	w    http.ResponseWriter
	r    *http.Request
	name string // repository
	rest string // after blobs/, manifests/ …
	repo string // folder
}

// ServeHTTP answers the distribution API, version 2.
func (g *Registry) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	if err := g.serve(w, r); err != nil {
		g.fail(w, r, err)
	}
}

func (g *Registry) serve(w http.ResponseWriter, r *http.Request) error {
	if r.URL.Path == "/v2/" || r.URL.Path == "/v2" {
		if _, err := g.Access(r, "", false); err != nil {
			return err
		}
		return reply(w, http.StatusOK, struct{}{})
	}
	m := routeRule.FindStringSubmatch(r.URL.Path)
	if m == nil {
		return refuse(http.StatusNotFound, "UNSUPPORTED", "there is no such address")
	}
	if len(m[1]) > maxName || !nameRule.MatchString(m[1]) {
		return refuse(http.StatusBadRequest, "NAME_INVALID", "%.100q is not the name of a repository", m[1])
	}
	write := r.Method != http.MethodGet && r.Method != http.MethodHead
	key, err := g.Access(r, m[1], write)
	if err != nil {
		return err
	}
	q := &request{Registry: g, w: w, r: r, name: m[1], rest: m[3], repo: filepath.Join(g.Dir, "repos", key)}
	switch m[2] {
	case "tags":
		return q.tags()
	case "referrers":
		return q.referrers()
	case "manifests":
		return q.manifests()
	}
	if rest, ok := strings.CutPrefix(q.rest, "uploads/"); ok || q.rest == "uploads" {
		q.rest = rest
		return q.upload()
	}
	return q.blobs()
}

func (g *Registry) fail(w http.ResponseWriter, r *http.Request, err error) {
	var e *Error
	if !errors.As(err, &e) {
		e = refuse(http.StatusInternalServerError, "UNKNOWN", "the registry failed: try again")
		if errors.Is(err, os.ErrNotExist) {
			e = refuse(http.StatusNotFound, "BLOB_UNKNOWN", "it is not there any more")
		}
	}
	if e.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", fmt.Sprintf("Basic realm=%q", g.Realm))
	}
	_ = reply(w, e.Status, map[string]any{"errors": []any{map[string]any{"code": e.Code, "message": e.Message}}})
}

func reply(w http.ResponseWriter, status int, body any) error {
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
	return nil
}

func (q *request) unsupported() error {
	return refuse(http.StatusMethodNotAllowed, "UNSUPPORTED", "%s is not done here", q.r.Method)
}
