package registry_test

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo/registry"
)

// What docker pushes by default is an index. Who releases images by their ids asks for an
// image, as the official command line does.
func TestWhoKnowsNoIndexGetsTheImageForThisMachine(t *testing.T) {
	g := &registry.Registry{Dir: t.TempDir(), Access: func(*http.Request, string, bool) (string, error) { return "app_web", nil }}
	do := func(method, reference, header, kind, body string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), method, "/v2/app/web/manifests/"+reference, strings.NewReader(body))
		if kind != "" {
			r.Header.Set(header, kind)
		}
		g.ServeHTTP(w, r)
		return w
	}
	put := func(reference, kind, body string) string {
		t.Helper()
		w := do(http.MethodPut, reference, "Content-Type", kind, body)
		if w.Code != http.StatusCreated {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		return w.Header().Get("Docker-Content-Digest")
	}
	const indexType = "application/vnd.oci.image.index.v1+json"
	config, err := g.Repository("app_web").Add(strings.NewReader("{}"))
	must(t, err)
	image := `{"schemaVersion": 2, "config": {"digest": "` + config.Digest + `"}, "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": "` + config.Digest + `"}]}`
	manifest := put(sum(image), manifestType, image)
	other := `{"digest": "` + sum("other") + `", "platform": {"os": "unknown", "architecture": "unknown"}}`
	index := `{"schemaVersion": 2, "manifests": [` + other + `, {"digest": "` + manifest + `", "platform": {"os": "linux", "architecture": "` + runtime.GOARCH + `"}}]}`
	put("latest", indexType, index)
	put("foreign", indexType, `{"schemaVersion": 2, "manifests": [`+other+`]}`)
	for _, c := range []struct{ reference, accept, want string }{
		{"latest", "application/vnd.docker.distribution.manifest.v2+json", manifest},
		{"latest", "application/vnd.heroku+json; version=3", manifest},
		{"latest", "", sum(index)},
		{"latest", "*/*", sum(index)},
		{"latest", manifestType + ", " + indexType, sum(index)},
		{sum(index), manifestType, sum(index)},
		{"foreign", manifestType, sum(`{"schemaVersion": 2, "manifests": [` + other + `]}`)},
	} {
		w := do(http.MethodGet, c.reference, "Accept", c.accept, "")
		if got := w.Header().Get("Docker-Content-Digest"); w.Code != http.StatusOK || got != c.want || sum(w.Body.String()) != c.want {
			t.Errorf("%s for who accepts %q: %d %s, not %s", c.reference, c.accept, w.Code, got, c.want)
		}
	}
	for _, id := range []string{sum(index), manifest, config.Digest} {
		if found, err := g.Image("app_web", id); err != nil || string(found.Config) != "{}" || len(found.Layers) != 1 {
			t.Errorf("the image %s: %+v %v", id, found, err)
		}
	}
	if _, err := g.Image("app_web", sum(`{"schemaVersion": 2, "manifests": [`+other+`]}`)); err == nil || !strings.Contains(err.Error(), "none of which is here for linux/"+runtime.GOARCH) {
		t.Errorf("an index for other machines: %v", err)
	}
}
