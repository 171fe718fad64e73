package server

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/buildpack"
	"github.com/kigo-dev/kigo/internal/testenv"
	"github.com/kigo-dev/kigo/registry"
	"github.com/kigo-dev/kigo/slug"
)

// The test's own binary flattens images, as kigo does in production.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == slug.Verb {
		os.Exit(slug.PackMain(os.Args[2:]))
	}
	os.Exit(m.Run())
}

// layout is an OCI layout, as a build of Dockerfiles leaves one.
type layout struct {
	testing.TB
	dir   string
	index struct {
		SchemaVersion int                   `json:"schemaVersion"`
		Manifests     []registry.Descriptor `json:"manifests"`
	}
}

func newLayout(t testing.TB) *layout {
	t.Helper()
	l := &layout{TB: t, dir: t.TempDir()}
	if err := os.MkdirAll(filepath.Join(l.dir, "blobs", "sha256"), 0o755); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *layout) blob(content []byte) registry.Descriptor {
	l.Helper()
	sum := fmt.Sprintf("%x", sha256.Sum256(content))
	if err := os.WriteFile(filepath.Join(l.dir, "blobs", "sha256", sum), content, 0o644); err != nil {
		l.Fatal(err)
	}
	return registry.Descriptor{MediaType: "application/vnd.oci.image.layer.v1.tar", Digest: "sha256:" + sum, Size: int64(len(content))}
}

// image adds an image of one file, and returns its layer.
func (l *layout) image(name, file, config string) registry.Descriptor {
	l.Helper()
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	if err := w.WriteHeader(&tar.Header{Name: file, Mode: 0o755}); err != nil {
		l.Fatal(err)
	}
	if err := w.Close(); err != nil {
		l.Fatal(err)
	}
	layer, about := l.blob(archive.Bytes()), l.blob([]byte(config))
	manifest, err := json.Marshal(map[string]any{"schemaVersion": 2, "config": about, "layers": []registry.Descriptor{layer}})
	if err != nil {
		l.Fatal(err)
	}
	d := l.blob(manifest)
	d.Annotations = map[string]string{"org.opencontainers.image.ref.name": name}
	l.index.SchemaVersion, l.index.Manifests = 2, append(l.index.Manifests, d)
	return layer
}

func (l *layout) open() *os.Root {
	l.Helper()
	if len(l.index.Manifests) > 0 {
		text, err := json.Marshal(l.index)
		if err == nil {
			err = os.WriteFile(filepath.Join(l.dir, "index.json"), text, 0o644)
		}
		if err != nil {
			l.Fatal(err)
		}
	}
	root, err := os.OpenRoot(l.dir)
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() { root.Close() })
	return root
}

func TestOfABuildThatCannotBeUsedNothingStays(t *testing.T) {
	testenv.NeedsRoot(t)
	const runs = `{"config": {"Cmd": ["/web"]}}`
	n := &node{registry: &registry.Registry{Dir: t.TempDir()}, slugs: &slug.Store{Dir: t.TempDir()}}
	app := kigo.App{ID: "a1", Name: "mine", UIDBase: kigo.UIDFirst}
	kept := func() []string {
		t.Helper()
		found, err := filepath.Glob(filepath.Join(n.registry.Dir, "repos", "*", "*", "*"))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	web := []buildpack.Process{{Type: "web", Image: "web"}}
	refused := func(when string) {
		t.Helper()
		before := kept()
		for _, c := range []struct {
			name      string
			make      func(l *layout)
			images    []string
			processes []buildpack.Process
			says      string
		}{
			{"a name that is none", func(*layout) {}, []string{"../x"}, nil, "is not the name of an image"},
			{"no layout", func(*layout) {}, []string{"web"}, nil, "The image web that was built cannot be used: index.json is missing"},
			{"no images", func(*layout) {}, nil, web, "which was not built"},
			{"a layer is missing", func(l *layout) {
				lost := l.image("web", "lost", runs)
				if err := os.Remove(filepath.Join(l.dir, "blobs", "sha256", strings.TrimPrefix(lost.Digest, "sha256:"))); err != nil {
					t.Fatal(err)
				}
			}, []string{"web"}, web, "is missing"},
			{"the second image is missing", func(l *layout) { l.image("web", "web", runs) }, []string{"web", "worker"}, web, `there is no image "worker"`},
			{"a process on another image", func(l *layout) { l.image("web", "web", runs) }, []string{"web"}, []buildpack.Process{{Type: "web", Image: "other"}}, `runs on the image "other", which was not built`},
			{"a process with no name", func(l *layout) { l.image("web", "web", runs) }, []string{"web"}, []buildpack.Process{{Type: "a b", Image: "web"}}, `The process type "a b"`},
			{"nothing to run", func(l *layout) { l.image("web", "web", `{}`) }, []string{"web"}, web, "there is nothing to run"},
			{"another machine's", func(l *layout) { l.image("web", "web", `{"architecture": "s390x"}`) }, []string{"web"}, web, `for the architecture "s390x"`},
		} {
			l := newLayout(t)
			c.make(l)
			if _, err := (dockerfiles{n}).Take(t.Context(), app, l.open(), c.images, c.processes); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s, %s: %v", c.name, when, err)
			}
			if now := kept(); !slices.Equal(now, before) {
				t.Errorf("%s, %s: %q stayed, not %q", c.name, when, now, before)
			}
		}
	}
	refused("before the first image")
	l := newLayout(t)
	l.image("web", "web", runs)
	made, err := dockerfiles{n}.Take(t.Context(), app, l.open(), []string{"web"}, web)
	if err != nil || made.ProcessTypes["web"] != "/web" {
		t.Fatalf("a good image: %+v %v", made, err)
	}
	if found := kept(); len(found) != 4 { // a manifest, its tag, and marks of a config and a layer
		t.Fatalf("of a good image: %q", found)
	}
	refused("with a good image at hand")
}
