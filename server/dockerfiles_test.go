package server

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/config"
	"github.com/kigo-dev/kigo/registry"
)

// A build reads its own app's images and the operator's mirror, and changes nothing.
func TestABuildReadsItsOwnImagesAndTheMirror(t *testing.T) {
	var asked string
	mirror := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		asked = r.Method + " " + r.URL.Path + " " + user + " " + password
		w.Header().Set("Docker-Content-Digest", "sha256:1")
	}))
	defer mirror.Close()
	n := &node{cfg: config.Config{Stack: "heroku-22", ImageMirror: strings.Replace(mirror.URL, "http://", "http://me:secret@", 1) + "/hub/"}, registry: &registry.Registry{Dir: t.TempDir()}}
	for _, app := range []string{"a1", "b2"} {
		repository := n.registry.Repository(repositoryKey(kigo.AppID(app), "web"))
		about, err := repository.Add(strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		manifest, err := repository.Put("application/vnd.oci.image.manifest.v1+json", []byte(`{"schemaVersion": 2, "config": {"digest": "`+about.Digest+`"}}`))
		if err != nil {
			t.Fatal(err)
		}
		if err := repository.Tag("latest", manifest); err != nil {
			t.Fatal(err)
		}
	}
	handler := dockerfiles{n}.Registry(kigo.App{ID: "a1", Name: "mine"})
	ask := func(method, path string) int {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, nil))
		return w.Code
	}
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/v2/", 200},
		{"GET", "/v2/mine/web/manifests/latest", 200},
		{"GET", "/v2/a1/web/manifests/latest", 200},
		{"GET", "/v2/mine/worker/manifests/latest", 404},
		{"GET", "/v2/other/web/manifests/latest", 404},
		{"GET", "/v2/b2/web/manifests/latest", 404},
		{"GET", "/v2/mine/../b2/web/manifests/latest", 400},
		{"GET", "/v2/heroku/heroku/manifests/24", 404},
		{"POST", "/v2/mine/web/blobs/uploads/", 403},
		{"PUT", "/v2/mine/web/manifests/latest", 403},
		{"DELETE", "/v2/mine/web/manifests/latest", 403},
		{"POST", "/v2/mirror/library/alpine/blobs/uploads/", 403},
		{"GET", "/v2/mirror/library/alpine/manifests/3", 200},
		{"GET", "/v2/mirror/../../service/rest/users", 404}, // the mirror's password is for images alone
		{"GET", "/v2/mirror/a/../../../users/manifests/3", 400},
		{"GET", "/v2/mirror/a/%2e%2e/b/manifests/3", 400},
		{"GET", "/v2/mirror/_catalog", 404},
	} {
		if got := ask(c.method, c.path); got != c.status {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, got, c.status)
		}
	}
	if asked != "GET /hub/v2/library/alpine/manifests/3 me secret" {
		t.Errorf("the mirror was asked for %q", asked)
	}
}

// The mirror's password goes with the path of an image alone: nothing else of the tenant's
// request gets there, and no session of the operator's comes back.
func TestTheMirrorSeesNothingElseOfABuildsRequest(t *testing.T) {
	var got *http.Request
	var body []byte
	mirror := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		w.Header().Set("Set-Cookie", "session=operator")
		w.Header().Set("Docker-Content-Digest", "sha256:1")
	}))
	defer mirror.Close()
	for _, c := range []struct{ address, query, authorization string }{
		{strings.Replace(mirror.URL, "http://", "http://me:secret@", 1) + "/hub/?token=mine", "token=mine", "Basic bWU6c2VjcmV0"},
		{mirror.URL, "", ""},
	} {
		n := &node{cfg: config.Config{Stack: "heroku-22", ImageMirror: c.address}, registry: &registry.Registry{Dir: t.TempDir()}}
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/v2/mirror/library/alpine/manifests/3?ns=evil&token=theirs", strings.NewReader("DELETE /v2/x/manifests/1 HTTP/1.1\r\n\r\n"))
		r.ContentLength, r.TransferEncoding = -1, []string{"chunked"}
		for name, value := range map[string]string{
			"Authorization": "Bearer theirs", "Cookie": "session=theirs", "X-Forwarded-For": "9.9.9.9", "X-Remote-User": "admin",
			"Accept": "application/json", "Range": "bytes=0-9",
		} {
			r.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		dockerfiles{n}.Registry(kigo.App{ID: "a1", Name: "mine"}).ServeHTTP(w, r)
		if w.Code != http.StatusOK || w.Header().Get("Docker-Content-Digest") == "" || w.Header().Get("Set-Cookie") != "" {
			t.Errorf("%s: %d %v", c.address, w.Code, w.Header())
		}
		if len(body) > 0 || got.ContentLength != 0 || len(got.TransferEncoding) > 0 {
			t.Errorf("%s: the mirror was sent the body %q (%d, %v)", c.address, body, got.ContentLength, got.TransferEncoding)
		}
		if got.URL.RawQuery != c.query {
			t.Errorf("%s: the mirror was asked with %q", c.address, got.URL.RawQuery)
		}
		for name, want := range map[string]string{
			"Authorization": c.authorization, "Cookie": "", "X-Forwarded-For": "", "X-Remote-User": "",
			"Accept": "application/json", "Range": "bytes=0-9",
		} {
			if value := got.Header.Get(name); value != want {
				t.Errorf("%s: the mirror was told %s %q, not %q", c.address, name, value, want)
			}
		}
	}
}
