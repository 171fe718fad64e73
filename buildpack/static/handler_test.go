package static_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo/buildpack/static"
	"github.com/kigo-dev/kigo/internal/testenv"
)

// site is an app folder with a handler on it.
func site(t *testing.T, files map[string]string) *static.Handler {
	t.Helper()
	return siteWith(t, files, nil)
}

// siteWith has config vars too.
func siteWith(t *testing.T, files, vars map[string]string) *static.Handler {
	t.Helper()
	dir := t.TempDir()
	testenv.Files(t, dir, files)
	c, err := static.ReadConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	h, err := static.NewHandler(dir, c, func(name string) (string, bool) { v, ok := vars[name]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func get(h http.Handler, target string, headers ...string) *http.Response {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

const full = `{
  "root": "dist/", "clean_urls": true, "error_page": "errors/404.html", "https_only": true,
  "routes": {"/assets/*": "/assets/", "/app/**": "app.html"},
  "redirects": {"/old": {"url": "/about"}, "/tmp/*": {"url": "https://example.com/", "status": 302}},
  "headers": {"/**": {"X-A": "all", "X-B": "all"}, "/assets/**": {"Cache-Control": "max-age=60"}}
}`

func TestRequestsAreAnsweredAsStaticJSONSays(t *testing.T) {
	h := site(t, map[string]string{
		"static.json": full, "secret.txt": "s", "dist/index.html": "home", "dist/about.html": "about", "dist/app.html": "app",
		"dist/errors/404.html": "lost", "dist/assets/a.css": "a{}", "dist/docs/index.html": "docs", "dist/.env": "no", "dist/.well-known/x": "yes",
	})
	for _, c := range []struct {
		path   string
		status int
		body   string // or where it leads
	}{
		{"/", 200, "home"},
		{"/about", 200, "about"},
		{"/about.html?a=1", 200, "about"},
		{"/index.html", 200, "home"},
		{"/docs?a=1", 301, "/docs/?a=1"},
		{"/docs/", 200, "docs"},
		{"/app/users/7", 200, "app"},
		{"/assets/a.css", 200, "a{}"},
		{"/old", 301, "/about"},
		{"/tmp/x", 302, "https://example.com/"},
		{"/tmp/x/y", 404, "lost"},
		{"/nothing", 404, "lost"},
		{"/.env", 404, "lost"},
		{"/.well-known/x", 200, "yes"},
		{"/../secret.txt", 404, "lost"},
		{"/%2e%2e/secret.txt", 404, "lost"},
		{"/%00", 404, "lost"},
	} {
		res := get(h, c.path)
		body, _ := io.ReadAll(res.Body)
		got := string(body)
		if c.status/100 == 3 {
			got = res.Header.Get("Location")
		}
		if res.StatusCode != c.status || got != c.body {
			t.Errorf("%s: %d %q, want %d %q", c.path, res.StatusCode, got, c.status, c.body)
		}
	}
	if v := get(h, "/assets/a.css").Header; v.Get("Cache-Control") != "max-age=60" || v.Get("X-A") != "" {
		t.Errorf("headers of the last pattern alone are wanted: %v", v)
	}
	res := get(h, "/about?x=1", "X-Forwarded-Proto", "http")
	if res.StatusCode != http.StatusMovedPermanently || res.Header.Get("Location") != "https://example.com/about?x=1" {
		t.Errorf("https_only: %d %s", res.StatusCode, res.Header.Get("Location"))
	}
}

func TestAnAppsOwnFilesAreNotServed(t *testing.T) {
	h := site(t, map[string]string{"index.html": "home", "Procfile": "web: x", "static.txt": "ok", "bin/boot": "x", ".profile.d/a.sh": "x", "sub/.git/config": "x"})
	for path, want := range map[string]int{"/": 200, "/static.txt": 200, "/Procfile": 404, "/bin/boot": 404, "/.profile.d/a.sh": 404, "/sub/.git/config": 404, "/sub": 404} {
		if got := get(h, path).StatusCode; got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("x"))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
}

func TestTextIsCompressedAndCanBeRevalidated(t *testing.T) {
	text := strings.Repeat("hello ", 1000)
	h := site(t, map[string]string{"index.html": "home", "long.txt": text})
	res := get(h, "/long.txt", "Accept-Encoding", "br, gzip;q=0.8")
	gz, err := gzip.NewReader(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := io.ReadAll(gz); string(body) != text || res.Header.Get("Vary") != "Accept-Encoding" {
		t.Errorf("%d bytes, Vary %q", len(body), res.Header.Get("Vary"))
	}
	if res := get(h, "/long.txt", "Accept-Encoding", "gzip", "If-None-Match", res.Header.Get("ETag")); res.StatusCode != http.StatusNotModified {
		t.Errorf("revalidation: %d", res.StatusCode)
	}
	res = get(h, "/long.txt", "Accept-Encoding", "gzip", "Range", "bytes=0-4")
	if body, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusPartialContent || string(body) != "hello" {
		t.Errorf("range: %d %q", res.StatusCode, body)
	}
}

func TestABadStaticJSONIsNamed(t *testing.T) {
	for in, want := range map[string]string{
		`{`:                                      "static.json cannot be read",
		`{"root": "../.."}`:                      `root "../.." is outside of the app`,
		`{"redirects": {"/a": {"status": 200}}}`: "a redirect needs a url and a status from 300 to 308",
		`{"proxies": {"/a/": {"origin": "ftp://x"}}}`: `proxy /a/: origin "ftp://x" is not an http:// or https:// URL`,
		`{"headers": {"/a": {"X": []}}}`:              "the value of the header X is no text",
		`{"routes": ["/a"]}`:                          "an object of patterns is needed",
	} {
		if _, err := static.ParseConfig([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", in, err, want)
		}
	}
}

func FuzzConfig(f *testing.F) {
	f.Add([]byte(full))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := static.ParseConfig(text)
		if err == nil && !filepath.IsLocal(c.Root) {
			t.Errorf("root %q", c.Root)
		}
	})
}
