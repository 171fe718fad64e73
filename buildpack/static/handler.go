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
	"strings"
)

// Handler serves an app's files.
type Handler struct {
	Config Config
	Root   *os.Root // the folder Config.Root of the app
}

// ServeHTTP is a flat list: what is to be sent elsewhere, then the file, then a
// route, then the error page.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p := path.Clean("/" + r.URL.Path)
	if strings.HasSuffix(r.URL.Path, "/") && p != "/" {
		p += "/"
	}
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "405 Method Not Allowed", http.StatusMethodNotAllowed)
	case h.elsewhere(w, r, p):
	case h.clean(w, r, p):
	default:
		h.headers(w, p)
		if h.file(w, r, p, http.StatusOK) {
			return
		}
		if to, ok := h.Config.Routes.first(p); ok && h.file(w, r, routed(to, p), http.StatusOK) {
			return
		}
		h.missing(w, r)
	}
}

// elsewhere answers with a redirect of the whole site or of this path.
func (h *Handler) elsewhere(w http.ResponseWriter, r *http.Request, p string) bool {
	scheme := r.Header.Get("X-Forwarded-Proto")
	host, target := r.Host, *r.URL
	switch {
	case h.Config.HTTPSOnly && scheme == "http":
		scheme = "https"
	case h.Config.Canonical != "" && host != h.Config.Canonical:
		host = h.Config.Canonical
	default:
		to, ok := h.Config.Redirects.first(p)
		if ok {
			http.Redirect(w, r, to.URL, to.Status)
		}
		return ok
	}
	if scheme == "" {
		scheme = "http"
	}
	target.Scheme, target.Host = scheme, host
	http.Redirect(w, r, target.String(), http.StatusMovedPermanently)
	return true
}

// clean sends /about.html to /about where URLs have no ending.
func (h *Handler) clean(w http.ResponseWriter, r *http.Request, p string) bool {
	bare, ok := strings.CutSuffix(p, ".html")
	if !h.Config.CleanURLs || !ok || !h.exists(p) {
		return false
	}
	to := *r.URL
	to.Path, to.RawPath = strings.TrimSuffix(bare, "/index"), ""
	if bare == "/index" {
		to.Path = "/"
	}
	http.Redirect(w, r, to.RequestURI(), http.StatusMovedPermanently)
	return true
}

func (h *Handler) headers(w http.ResponseWriter, p string) {
	values, _ := h.Config.Headers.last(p)
	for name, v := range values {
		w.Header().Set(name, v)
	}
}

// routed is the file of a route; one that ends in a slash keeps the path's own name.
func routed(to, p string) string {
	if strings.HasSuffix(to, "/") {
		to += path.Base(p)
	}
	return path.Clean("/" + to)
}

// file serves what a path stands for, if there is something.
func (h *Handler) file(w http.ResponseWriter, r *http.Request, p string, status int) bool {
	candidates := []string{p}
	if strings.HasSuffix(p, "/") {
		candidates = []string{p + "index.html"}
	} else if h.Config.CleanURLs {
		candidates = append(candidates, p+".html")
	}
	for _, c := range candidates {
		if h.candidate(w, r, c, status) {
			return true
		}
	}
	return false
}

// candidate serves one file, or leads to the index of a folder.
func (h *Handler) candidate(w http.ResponseWriter, r *http.Request, c string, status int) bool {
	f, st := h.open(c)
	if f == nil {
		return false
	}
	defer f.Close()
	if !st.IsDir() {
		send(w, r, f, st, status)
		return true
	}
	if !h.exists(c + "/index.html") {
		return false
	}
	if h.Config.CleanURLs {
		return h.file(w, r, c+"/", status)
	}
	to := *r.URL
	to.Path, to.RawPath = c+"/", ""
	http.Redirect(w, r, to.RequestURI(), http.StatusMovedPermanently)
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
	if h.Config.Root == "." && (name == "static.json" || name == "Procfile" || name == "app.json" || strings.HasPrefix(name, "bin/")) {
		return nil, nil
	}
	f, err := h.Root.Open(name)
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
	if h.Config.ErrorPage != "" {
		if f, st := h.open("/" + h.Config.ErrorPage); f != nil && !st.IsDir() {
			defer f.Close()
			send(w, r, f, st, http.StatusNotFound)
			return
		}
	}
	w.Header().Set("Cache-Control", "no-cache")
	http.Error(w, "404 Not Found", http.StatusNotFound)
}

// send writes one file, compressed where that helps.
func send(w http.ResponseWriter, r *http.Request, f *os.File, st fs.FileInfo, status int) {
	kind := mime.TypeByExtension(path.Ext(st.Name()))
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
