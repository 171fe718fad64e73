package registry_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kigo-dev/kigo/registry"
)

// aDayPasses makes all that is stored older.
func aDayPasses(t *testing.T, g *registry.Registry) {
	t.Helper()
	old := time.Now().Add(-25 * time.Hour)
	must(t, filepath.WalkDir(g.Dir, func(path string, _ os.DirEntry, err error) error {
		return errors.Join(err, os.Chtimes(path, old, old))
	}))
}

func swept(t *testing.T, g *registry.Registry, want int, when string) {
	t.Helper()
	must(t, g.Sweep())
	blobs, err := filepath.Glob(filepath.Join(g.Dir, "blobs", "*"))
	if left := kept(g); err != nil || len(left)+len(blobs) != want {
		t.Errorf("%s: %q %q %v, not %d in all", when, left, blobs, err, want)
	}
}

func TestAnImageThatNeverHadItsTagIsForgottenAfterADay(t *testing.T) {
	g := &registry.Registry{Dir: t.TempDir()}
	l := newLayout(t)
	l.index(`{"schemaVersion": 2, "config": ` + l.blob("{}") + `, "layers": [` + l.blob("layer") + `]}`)
	manifest, _, err := l.into(g)
	must(t, err)
	swept(t, g, 5, "at once") // a manifest; a config and a layer, and that the repository has them
	aDayPasses(t, g)
	again, _, err := l.into(g) // a build is at it again
	must(t, err)
	swept(t, g, 5, "used again")
	aDayPasses(t, g)
	swept(t, g, 0, "after a day")

	manifest2, _, err := l.into(g)
	if err != nil || manifest2 != manifest || again != manifest {
		t.Fatalf("%s %s %v, not %s", again, manifest2, err, manifest)
	}
	must(t, g.Repository("app_web").Tag("latest", manifest))
	aDayPasses(t, g)
	swept(t, g, 6, "with a tag")
}

func TestWhatWasPushedStaysWhateverABuildDoes(t *testing.T) {
	g := &registry.Registry{Dir: t.TempDir(), Access: func(*http.Request, string, bool) (string, error) { return "app_web", nil }}
	l := newLayout(t)
	text := `{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": ` + l.blob("{}") + `, "layers": [` + l.blob("layer") + `]}`
	l.index(text)
	push := func() {
		t.Helper()
		for _, blob := range []string{"{}", "layer"} {
			w := httptest.NewRecorder()
			g.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v2/app/web/blobs/uploads/?digest="+sum(blob), strings.NewReader(blob)))
			if w.Code != http.StatusCreated {
				t.Fatalf("push %q: %d %s", blob, w.Code, w.Body)
			}
		}
		w := httptest.NewRecorder()
		g.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/v2/app/web/manifests/"+sum(text), strings.NewReader(text)))
		if w.Code != http.StatusCreated {
			t.Fatalf("push the manifest: %d %s", w.Code, w.Body)
		}
	}
	manifest, _, err := l.into(g) // made first, pushed then
	must(t, err)
	push()
	must(t, g.Repository("app_web").Drop(manifest))
	aDayPasses(t, g)
	swept(t, g, 5, "made and pushed")

	_, _, err = l.into(g) // pushed first, made then
	must(t, err)
	must(t, g.Repository("app_web").Drop(manifest))
	swept(t, g, 5, "pushed and made")
	w := httptest.NewRecorder()
	g.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v2/app/web/manifests/"+manifest, nil))
	if w.Code != http.StatusOK || w.Body.String() != text || w.Header().Get("Content-Type") != "application/vnd.oci.image.manifest.v1+json" {
		t.Errorf("read again: %d %q %s", w.Code, w.Header().Get("Content-Type"), w.Body)
	}
}

func TestContentThatNoManifestEverNamedIsForgottenAfterADay(t *testing.T) {
	g := &registry.Registry{Dir: t.TempDir(), Access: func(*http.Request, string, bool) (string, error) { return "app_web", nil }}
	_, err := g.Repository("app_web").Add(strings.NewReader("layer"))
	must(t, err)
	aDayPasses(t, g)
	w := httptest.NewRecorder() // a client that pushes asks first what is there
	g.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodHead, "/v2/app/web/blobs/"+sum("layer"), nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%d", w.Code)
	}
	swept(t, g, 2, "asked for")
	aDayPasses(t, g)
	swept(t, g, 0, "after a day")
}

func TestAnImportEndsWithItsBuild(t *testing.T) {
	g := &registry.Registry{Dir: t.TempDir()}
	l := newLayout(t)
	l.index(`{"schemaVersion": 2, "config": ` + l.blob("{}") + `, "layers": []}`)
	root, err := os.OpenRoot(l.dir)
	must(t, err)
	defer root.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := g.Repository("app_web").Import(ctx, root, "web"); !errors.Is(err, context.Canceled) || len(kept(g)) > 0 {
		t.Errorf("%v, left %q", err, kept(g))
	}
}

// asking is a context that does something whenever it is looked at.
type asking struct {
	context.Context
	do func()
}

func (a asking) Err() error {
	a.do()
	return a.Context.Err()
}

func TestWhatAClientWasToldIsThereStaysForItsPush(t *testing.T) {
	g := &registry.Registry{Dir: t.TempDir(), Access: func(*http.Request, string, bool) (string, error) { return "app_web", nil }}
	do := func(method, path, body string) int {
		w := httptest.NewRecorder()
		g.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, "/v2/app/web/"+path, strings.NewReader(body)))
		return w.Code
	}
	l := newLayout(t)
	l.index(`{"schemaVersion": 2, "config": ` + l.blob("{}") + `, "layers": [` + l.blob("layer") + `]}`)
	manifest, _, err := l.into(g)
	must(t, err)
	if code := do(http.MethodHead, "blobs/"+sum("layer"), ""); code != http.StatusOK {
		t.Fatalf("the layer: %d", code)
	}
	must(t, g.Repository("app_web").Drop(manifest))
	if left := kept(g); len(left) != 1 || !strings.HasSuffix(left[0], strings.TrimPrefix(sum("layer"), "sha256:")) {
		t.Errorf("of an image that is dropped: %q, not the layer that a client asked for", left)
	}
	aDayPasses(t, g)
	swept(t, g, 0, "after a day")

	must(t, os.Remove(filepath.Join(l.dir, "blobs", "sha256", strings.TrimPrefix(sum("layer"), "sha256:"))))
	must(t, os.WriteFile(filepath.Join(l.dir, "blobs", "sha256", strings.TrimPrefix(sum("layer"), "sha256:")), []byte("other"), 0o600))
	root, err := os.OpenRoot(l.dir)
	must(t, err)
	defer root.Close()
	told := false
	_, _, err = g.Repository("app_web").Import(asking{t.Context(), func() {
		told = do(http.MethodHead, "blobs/"+sum("{}"), "") == http.StatusOK || told
	}}, root, "web")
	if left := kept(g); err == nil || !told || len(left) != 1 {
		t.Errorf("of an import that failed with %v: %q, not the config that a client asked for (%v)", err, left, told)
	}
}

func TestAnImageOfAnIndexStays(t *testing.T) {
	g := &registry.Registry{Dir: t.TempDir(), Access: func(*http.Request, string, bool) (string, error) { return "app_web", nil }}
	l := newLayout(t)
	l.index(`{"schemaVersion": 2, "config": ` + l.blob("{}") + `, "layers": []}`)
	manifest, _, err := l.into(g)
	must(t, err)
	put := func(index string) {
		t.Helper()
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/v2/app/web/manifests/several", strings.NewReader(index))
		r.Header.Set("Content-Type", "application/vnd.oci.image.index.v1+json")
		if g.ServeHTTP(w, r); w.Code != http.StatusCreated {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	put(`{"schemaVersion": 2, "manifests": [{"digest": "` + manifest + `"}]}`)
	aDayPasses(t, g)
	swept(t, g, 5, "named by an index") // the index, its tag, the manifest, and its config that the repository has
}
