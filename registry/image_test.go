package registry_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo/registry"
)

// What can be pushed by the specification, and is no image that dynos could run.
func TestWhatIsNoImageIsToldWhenItIsAskedFor(t *testing.T) {
	g := &registry.Registry{Dir: t.TempDir(), Access: func(*http.Request, string, bool) (string, error) { return "app_web", nil }}
	repository := g.Repository("app_web")
	blob := func(text string) string {
		t.Helper()
		d, err := repository.Add(strings.NewReader(text))
		must(t, err)
		return d.Digest
	}
	put := func(kind, text string) string {
		t.Helper()
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/v2/app/web/manifests/latest", strings.NewReader(text))
		r.Header.Set("Content-Type", kind)
		g.ServeHTTP(w, r)
		if w.Code != http.StatusCreated {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		return w.Header().Get("Docker-Content-Digest")
	}
	image := func(config, layers string) string {
		return put(manifestType, `{"schemaVersion": 2, "config": {"digest": "`+blob(config)+`"}, "layers": [`+layers+`]}`)
	}
	layer := func(kind, digest string) string { return `{"mediaType": "` + kind + `", "digest": "` + digest + `"}` }
	const plain, foreign = "application/vnd.oci.image.layer.v1.tar", "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
	zeros := "sha256:" + strings.Repeat("0", 64)
	content := blob("layer")
	for _, c := range []struct{ name, id, says string }{
		{"a name", "latest", "is not a digest"},
		{"a digest that is none", "sha256:../../x", "is not a digest"},
		{"an index", put("application/vnd.oci.image.index.v1+json", `{"schemaVersion": 2, "manifests": []}`), "it is an index of several images"},
		{"no layers", image(`{"no": "layers"}`, ""), "it has no layers"},
		{"too many layers", image(`{"many": "layers"}`, strings.Repeat(layer(plain, content)+",", 200)+layer(plain, content)), "it has 201 layers, 200 are the most"},
		{"a layer that is no archive", image(`{"a": "chart"}`, layer("application/vnd.cncf.helm.chart", content)), "which is no archive of files"},
		{"a layer that lies elsewhere", image(`{"a": "foreign"}`, layer(foreign, zeros)), "is not there: push it again"},
		{"a config without an end", image(strings.Repeat("x", 1<<20+1), layer(plain, content)), "its config has 1048577 bytes, 1048576 are the most"},
		{"an image of nobody", zeros, "it was not pushed here"},
	} {
		var e *registry.Error
		if _, err := g.Image("app_web", c.id); !errors.As(err, &e) || !strings.Contains(e.Message, c.says) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	gone := image(`{"it": "went"}`, layer(plain, content))
	w := httptest.NewRecorder()
	g.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodDelete, "/v2/app/web/blobs/"+blob(`{"it": "went"}`), nil))
	if _, err := g.Image("app_web", gone); err == nil || !strings.Contains(err.Error(), "its config is not there any more") {
		t.Errorf("a config that was deleted: %d, %v", w.Code, err)
	}
}

func TestABadManifestIsRefused(t *testing.T) {
	s := newRegistry(t)
	deep := strings.Repeat(`{"subject":`, 11000) + "1" + strings.Repeat("}", 11000)
	for _, c := range []struct{ body, says string }{
		{"", "the manifest is not one"},
		{"null", "has schemaVersion 0: only 2 is known"},
		{"[]", "the manifest is not one"},
		{`"x"`, "the manifest is not one"},
		{deep, "the manifest is not one"},
		{`{"schemaVersion": "2"}`, "the manifest is not one"},
		{`{"schemaVersion": 2, "config": []}`, "the manifest is not one"},
		{`{"schemaVersion": 2, "config": {"digest": 5}}`, "the manifest is not one"},
		{`{"schemaVersion": 2, "config": {"size": 1e99, "digest": "x"}}`, "the manifest is not one"},
		{`{"schemaVersion": 2, "config": {}}`, "is not a digest"},
		{`{"schemaVersion": 2, "config": {"digest": "sha256:"}}`, "is not a digest"},
		{`{"schemaVersion": 2, "config": {"digest": "sha512:` + strings.Repeat("0", 64) + `"}}`, "is not a digest"},
		{`{"schemaVersion": 2, "config": {"digest": "sha256:` + strings.Repeat("0", 63) + `g"}}`, "is not a digest"},
		{`{"schemaVersion": 2, "config": {"digest": "sha256:` + strings.Repeat("0", 64) + `"}, "layers": [{"digest": "` + strings.Repeat("x", 1000) + `"}]}`, "is not a digest"},
		{`{"schemaVersion": 2, "config": {"digest": "sha256:` + strings.Repeat("0", 64) + `"}, "layers": 5}`, "the manifest is not one"},
	} {
		status, body, _ := ask(t, "PUT", s.URL+"/v2/app/web/manifests/latest", manifestType, c.body)
		if status != http.StatusBadRequest || !strings.Contains(body, c.says) {
			t.Errorf("%.100s: %d %.200s", c.body, status, body)
		}
	}
	if status, _, _ := ask(t, "GET", s.URL+"/v2/app/web/manifests/latest", "", ""); status != http.StatusNotFound {
		t.Errorf("something of them stayed: %d", status)
	}
}
