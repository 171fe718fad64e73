package static

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Handler serves an app's files.
type Handler struct {
	config  Config
	root    *os.Root // the folder Config.Root of the app
	lock    *lock    // nil: open to everybody
	proxies []*proxy
}

// NewHandler serves the app in the folder home, with the config vars that get has.
func NewHandler(home string, c Config, get func(string) (string, bool)) (*Handler, error) {
	h := &Handler{config: c.Expand(get)}
	var err error
	if h.config.BasicAuth {
		if h.lock, err = newLock(home, h.config, get); err != nil {
			return nil, err
		}
	}
	if h.proxies, err = proxies(h.config); err != nil {
		return nil, err
	}
	if h.root, err = os.OpenRoot(filepath.Join(home, filepath.FromSlash(c.Root))); err != nil {
		return nil, fmt.Errorf("open the folder to serve: %w", err)
	}
	return h, nil
}

// cleaned is a path without dots and doubled slashes.
func cleaned(p string) string {
	c := path.Clean("/" + p)
	if strings.HasSuffix(p, "/") && c != "/" {
		c += "/"
	}
	return c
}

// ServeHTTP is a flat list, in the order of Heroku's buildpack: the whole site
// elsewhere, who may see it, files, proxies, redirects, routes, the error page.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p := cleaned(r.URL.Path)
	h.headers(w, p)
	switch {
	case h.elsewhere(w, r):
	case h.locked(w, r):
	case h.file(w, r, p):
	case h.proxied(w, r, p):
	case h.redirected(w, r, p):
	case notRead(w, r):
	case h.routed(w, r, p):
	default:
		h.missing(w, r)
	}
}

// notRead refuses what files cannot answer.
func notRead(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return false
	}
	w.Header().Set("Allow", "GET, HEAD")
	http.Error(w, "405 Method Not Allowed", http.StatusMethodNotAllowed)
	return true
}

// elsewhere answers with a redirect of the whole site.
func (h *Handler) elsewhere(w http.ResponseWriter, r *http.Request) bool {
	scheme := r.Header.Get("X-Forwarded-Proto")
	host, target := r.Host, *r.URL
	switch {
	case h.config.HTTPSOnly && scheme == "http":
		scheme = "https"
	case h.config.Canonical != "" && host != h.config.Canonical:
		host = h.config.Canonical
	default:
		return false
	}
	if scheme == "" {
		scheme = "http"
	}
	target.Scheme, target.Host = scheme, host
	http.Redirect(w, r, target.String(), http.StatusMovedPermanently)
	return true
}

// redirected answers with the redirect of this path.
func (h *Handler) redirected(w http.ResponseWriter, r *http.Request, p string) bool {
	to, ok := h.config.Redirects.first(p)
	if ok {
		http.Redirect(w, r, to.URL, to.Status)
	}
	return ok
}

func (h *Handler) headers(w http.ResponseWriter, p string) {
	values, _ := h.config.Headers.last(p)
	for name, v := range values {
		w.Header().Set(name, v)
	}
}

// routed serves the file of a route; one that ends in a slash keeps the path's own name.
func (h *Handler) routed(w http.ResponseWriter, r *http.Request, p string) bool {
	to, ok := h.config.Routes.first(p)
	if !ok {
		return false
	}
	if strings.HasSuffix(to, "/") {
		to += path.Base(p)
	}
	return h.file(w, r, path.Clean("/"+to))
}

// file serves what a path stands for, if there is something.
func (h *Handler) file(w http.ResponseWriter, r *http.Request, p string) bool {
	candidates := []string{p}
	if strings.HasSuffix(p, "/") {
		candidates = []string{p + "index.html"}
	} else if h.config.CleanURLs {
		candidates = []string{p + ".html", p}
	}
	for _, c := range candidates {
		if h.candidate(w, r, c) {
			return true
		}
	}
	return false
}

// candidate serves one file, or leads to the index of a folder.
func (h *Handler) candidate(w http.ResponseWriter, r *http.Request, c string) bool {
	f, st := h.open(c)
	if f == nil {
		return false
	}
	defer f.Close()
	switch {
	case st.IsDir() && !h.exists(c+"/index.html"):
		return false
	case notRead(w, r):
	case st.IsDir():
		to := *r.URL
		to.Path, to.RawPath = c+"/", ""
		http.Redirect(w, r, to.RequestURI(), http.StatusMovedPermanently)
	default:
		h.send(w, r, f, st, http.StatusOK)
	}
	return true
}

// open opens a file of the site. What is hidden, or the app's and not the site's,
// is not there.
func (h *Handler) open(p string) (*os.File, fs.FileInfo) {
	name := strings.TrimPrefix(path.Clean(p), "/")
	if name == "" {
		name = "."
	}
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") && part != "." && part != ".well-known" {
			return nil, nil
		}
	}
	if h.config.Root == "." && (name == "static.json" || name == "Procfile" || name == "app.json" || strings.HasPrefix(name, "bin/")) {
		return nil, nil
	}
	f, err := h.root.Open(name)
	if err != nil {
		return nil, nil
	}
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() && !st.IsDir() {
		f.Close()
		return nil, nil
	}
	return f, st
}

func (h *Handler) exists(p string) bool {
	f, st := h.open(p)
	if f == nil {
		return false
	}
	f.Close()
	return !st.IsDir()
}

// missing answers 404 with the app's page or a plain one.
func (h *Handler) missing(w http.ResponseWriter, r *http.Request) {
	if h.config.ErrorPage != "" {
		if f, st := h.open("/" + h.config.ErrorPage); f != nil && !st.IsDir() {
			defer f.Close()
			h.send(w, r, f, st, http.StatusNotFound)
			return
		}
	}
	w.Header().Set("Cache-Control", "no-cache")
	http.Error(w, "404 Not Found", http.StatusNotFound)
}

// send writes one file, compressed where that helps.
func (h *Handler) send(w http.ResponseWriter, r *http.Request, f *os.File, st fs.FileInfo, status int) {
	kind := mime.TypeByExtension(path.Ext(st.Name()))
	if bare, _, ok := strings.Cut(kind, "; charset="); ok && h.config.Encoding != "" {
		kind = bare + "; charset=" + h.config.Encoding
	}
	if kind != "" {
		w.Header().Set("Content-Type", kind)
	}
	if status != http.StatusOK {
		w.Header().Set("Content-Length", fmt.Sprint(st.Size()))
		w.WriteHeader(status)
		if r.Method != http.MethodHead {
			io.Copy(w, f) //nolint:errcheck // the client may be gone
		}
		return
	}
	w.Header().Set("ETag", fmt.Sprintf(`"%x-%x"`, st.ModTime().UnixNano(), st.Size()))
	if zipped := compressed(w, r, kind, st.Size()); zipped != nil {
		if err := zipped.copy(f); err != nil && !errors.Is(err, http.ErrAbortHandler) {
			return
		}
		return
	}
	http.ServeContent(w, r, st.Name(), st.ModTime(), f)
}
