package static_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo/buildpack/static"
	"github.com/kigo-dev/kigo/internal/testenv"
)

// backend tells what it was asked, and sends /base/away elsewhere in itself.
func backend(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/base/away" {
			http.Redirect(w, r, "http://"+r.Host+"/base/there?x=1", http.StatusFound)
			return
		}
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Site", "of the origin")
		fmt.Fprintf(w, "%s %s host=%t proto=%s %s", r.Method, r.URL.RequestURI(), r.Host == r.Context().Value(http.LocalAddrContextKey).(fmt.Stringer).String(), r.Header.Get("X-Forwarded-Proto"), body)
	}))
	t.Cleanup(s.Close)
	return s
}

func TestProxiesPassRequestsOn(t *testing.T) {
	origin := backend(t)
	h := siteWith(t, map[string]string{
		"static.json": `{"proxies": {
		  "/api/": {"origin": "${API}/base"}, "/api/v2": {"origin": "${API}/two/"}, "/down/": {"origin": "http://127.0.0.1:1"}
		}, "routes": {"/**": "index.html"}, "redirects": {"/api/old": {"url": "/never"}}, "headers": {"/api/**": {"X-Site": "mine", "X-Max": 5}}}`,
		"public_html/index.html": "home", "public_html/api/file.txt": "a file",
	}, map[string]string{"API": origin.URL})
	for _, c := range []struct {
		method, path string
		status       int
		want         string // in the body, or where it leads
	}{
		{"GET", "/api/users/7?a=b", 200, "GET /base/users/7?a=b host=true proto=https "},
		{"GET", "/api/", 200, "GET /base/ "},
		{"GET", "/api/a%20b/", 200, "GET /base/a%20b/ "},
		{"POST", "/api/users", 200, "POST /base/users host=true proto=https body"},
		{"GET", "/api/v2/x", 200, "GET /two/x "}, // the longest prefix
		{"GET", "/api/old", 200, "GET /base/old "},
		{"GET", "/api/../api//x", 200, "GET /base/x "},
		{"GET", "/api/away", 302, "/api/there?x=1"},
		{"GET", "/api/file.txt", 200, "a file"}, // files come first
		{"POST", "/api/file.txt", 405, "Method Not Allowed"},
		{"GET", "/other", 200, "home"},
		{"POST", "/other", 405, "Method Not Allowed"},
		{"GET", "/down/x", 502, "502 Bad Gateway"},
	} {
		r := httptest.NewRequest(c.method, "http://site.example"+c.path, nil)
		if c.method == "POST" {
			r = httptest.NewRequest(c.method, "http://site.example"+c.path, strings.NewReader("body"))
		}
		r.Header.Set("X-Forwarded-Proto", "https")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		got := w.Body.String()
		if c.status == 302 {
			got = w.Header().Get("Location")
		}
		if w.Code != c.status || !strings.Contains(got, c.want) {
			t.Errorf("%s %s: %d %q, want %d %q", c.method, c.path, w.Code, got, c.status, c.want)
		}
		if v := w.Header().Values("X-Site"); strings.HasPrefix(c.path, "/api/") && (len(v) != 1 || v[0] != "mine" || w.Header().Get("X-Max") != "5") {
			t.Errorf("%s: X-Site %q: the site's own header is wanted", c.path, v)
		}
	}
}

func TestConfigVarsStandInStaticJSON(t *testing.T) {
	h := siteWith(t, map[string]string{
		"static.json":            `{"canonical_host": "${HOST_NAME}", "redirects": {"/new": {"url": "${SITE}/x"}, "/odd": {"url": "/${UNSET}"}}, "encoding": "US-ASCII"}`,
		"public_html/index.html": "home",
	}, map[string]string{"HOST_NAME": "example.com", "SITE": "https://new.example"})
	for path, want := range map[string]string{"http://example.com/new": "https://new.example/x", "http://example.com/odd": "/${UNSET}", "http://www.example.com/a": "http://example.com/a"} {
		if got := get(h, path).Header.Get("Location"); got != want {
			t.Errorf("%s leads to %q, want %q", path, got, want)
		}
	}
	if got := get(h, "http://example.com/").Header.Get("Content-Type"); got != "text/html; charset=US-ASCII" {
		t.Errorf("Content-Type %q", got)
	}
}

func TestBasicAuthLetsInWhoKnowsAPassword(t *testing.T) {
	apr, crypt := hashed(t, "-apr1"), hashed(t, "-6")
	for name, c := range map[string]struct {
		files, vars map[string]string
	}{
		"config vars":    {map[string]string{"index.html": "home"}, map[string]string{"BASIC_AUTH_USERNAME": "ann", "BASIC_AUTH_PASSWORD": apr}},
		".htpasswd":      {map[string]string{"static.json": `{"root": ".", "basic_auth": true}`, "index.html": "home", ".htpasswd": "ann:" + crypt + "\n"}, nil},
		"file elsewhere": {map[string]string{"static.json": `{"root": ".", "basic_auth": true, "basic_auth_htpasswd_path": "/app/.secret/users"}`, "index.html": "home", ".secret/users": "ann:" + apr + "\n"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			h := siteWith(t, c.files, c.vars)
			for _, who := range [][2]string{{"ann", "wrong"}, {"bob", "secret"}, {"ann", "secret"}, {"ann", "wrong"}, {"ann", "secret"}, {"", ""}} {
				r := httptest.NewRequest(http.MethodGet, "/", nil)
				if who[0] != "" {
					r.SetBasicAuth(who[0], who[1])
				}
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				want := http.StatusUnauthorized
				if who == [2]string{"ann", "secret"} {
					want = http.StatusOK
				}
				if w.Code != want || want == http.StatusUnauthorized && w.Header().Get("WWW-Authenticate") != `Basic realm="Restricted"` {
					t.Errorf("%q: %d %v", who, w.Code, w.Header())
				}
			}
			if got := get(h, "/.htpasswd").StatusCode; got != http.StatusUnauthorized {
				t.Errorf("the passwords: %d", got)
			}
		})
	}
}

func TestASiteThatCannotBeServedAsWishedDoesNotStart(t *testing.T) {
	for name, c := range map[string]struct {
		json string
		vars map[string]string
		want string
	}{
		"nobody can log in": {`{"basic_auth": true}`, nil, "nobody can log in: set the config vars BASIC_AUTH_USERNAME"},
		"in the clear":      {`{}`, map[string]string{"BASIC_AUTH_USERNAME": "ann", "BASIC_AUTH_PASSWORD": "secret"}, "not a hash: make one with `openssl passwd -apr1`"},
		"no origin":         {`{"proxies": {"/api/": {"origin": "${API}"}}}`, nil, `origin "${API}" is not an http:// or https:// URL`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.Mkdir(filepath.Join(dir, "public_html"), 0o755); err != nil {
				t.Fatal(err)
			}
			config, err := static.ParseConfig([]byte(c.json))
			if err != nil {
				t.Fatal(err)
			}
			_, err = static.NewHandler(dir, config, func(name string) (string, bool) { v, ok := c.vars[name]; return v, ok })
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// hashed is the word "secret" as openssl hashes it for password files.
func hashed(t *testing.T, form string) string {
	t.Helper()
	out, err := exec.Command(testenv.NeedsProgram(t, "openssl"), "passwd", form, "secret").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
