package registry_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo/registry"
)

// layout is an OCI layout on disk.
type layout struct {
	*testing.T
	dir string
}

func newLayout(t *testing.T) layout {
	t.Helper()
	l := layout{t, t.TempDir()}
	if err := os.MkdirAll(filepath.Join(l.dir, "blobs", "sha256"), 0o755); err != nil {
		t.Fatal(err)
	}
	return l
}

func sum(text string) string {
	h := sha256.Sum256([]byte(text))
	return "sha256:" + hex.EncodeToString(h[:])
}

// blob writes content and returns its descriptor.
func (l layout) blob(text string) string {
	l.write("blobs/sha256/"+strings.TrimPrefix(sum(text), "sha256:"), text)
	return fmt.Sprintf(`{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": %q, "size": %d}`, sum(text), len(text))
}

func (l layout) write(name, text string) {
	l.Helper()
	if err := os.WriteFile(filepath.Join(l.dir, name), []byte(text), 0o644); err != nil {
		l.Fatal(err)
	}
}

// index writes an index that calls a manifest web.
func (l layout) index(manifest string) {
	l.blob(manifest)
	l.write("index.json", fmt.Sprintf(`{"schemaVersion": 2, "manifests": [{"digest": %q, "annotations": {"org.opencontainers.image.ref.name": "web"}}]}`, sum(manifest)))
}

func (l layout) into(g *registry.Registry) (manifest, id string, err error) {
	l.Helper()
	root, err := os.OpenRoot(l.dir)
	if err != nil {
		l.Fatal(err)
	}
	defer root.Close()
	return g.Repository("app_web").Import(l.Context(), root, "web")
}

func TestAnImageIsTakenOutOfALayoutAndTheOneBeforeItForgotten(t *testing.T) {
	g := &registry.Registry{Dir: t.TempDir()}
	repository := g.Repository("app_web")
	var before string
	for _, config := range []string{`{"a": 1}`, `{"a": 2}`} {
		l := newLayout(t)
		l.index(`{"schemaVersion": 2, "config": ` + l.blob(config) + `, "layers": [` + l.blob("layer") + `]}`)
		manifest, id, err := l.into(g)
		if err != nil || id != sum(config) {
			t.Fatalf("%s %v", id, err)
		}
		if err := repository.Tag("latest", manifest); err != nil {
			t.Fatal(err)
		}
		image, err := g.Image("app_web", id)
		if err != nil || string(image.Config) != config || len(image.Layers) != 1 {
			t.Errorf("%+v %v", image, err)
		}
		if before != "" {
			if _, err := g.Image("app_web", before); err == nil {
				t.Errorf("the image before it is still there")
			}
		}
		before = id
	}
	marks, err := filepath.Glob(filepath.Join(g.Dir, "repos", "app_web", "blobs", "*"))
	if err != nil || len(marks) != 2 {
		t.Errorf("the repository has %q %v, not a config and a layer", marks, err)
	}
}

func TestALayoutThatIsNoneIsToldWhy(t *testing.T) {
	const outside = "root:x:0:0"
	for _, c := range []struct {
		name, says string
		make       func(l layout)
	}{
		{"nothing", "index.json is missing", func(layout) {}},
		{"no index", "its index is not one", func(l layout) { l.write("index.json", "{") }},
		{"an index of another image", `there is no image "web"`, func(l layout) { l.write("index.json", `{"manifests": [{"digest": "sha256:0"}]}`) }},
		{"a manifest with a name of a way out", "is not a digest", func(l layout) {
			l.write("index.json", `{"manifests": [{"digest": "sha256:../../../etc/passwd", "annotations": {"org.opencontainers.image.ref.name": "web"}}]}`)
		}},
		{"no manifest", "is missing", func(l layout) { l.index("{}"); must(l, os.RemoveAll(filepath.Join(l.dir, "blobs"))) }},
		{"a manifest that is none", "its manifest is not one", func(l layout) { l.index("[") }},
		{"no config", "its manifest has no config", func(l layout) { l.index(`{"schemaVersion": 2}`) }},
		{"another version", "only 2 is known", func(l layout) { l.index(`{"schemaVersion": 1, "config": ` + l.blob("{}") + `}`) }},
		{"another type", "the request that it is", func(l layout) { l.index(`{"schemaVersion": 2, "mediaType": "x", "config": ` + l.blob("{}") + `}`) }},
		{"many layers", "it has 201 layers, 200 are the most", func(l layout) {
			layer := l.blob("x")
			l.index(`{"schemaVersion": 2, "config": ` + l.blob("{}") + `, "layers": [` + strings.Repeat(layer+",", 200) + layer + `]}`)
		}},
		{"other content", "the content of sha256:", func(l layout) {
			layer := l.blob("layer")
			l.write("blobs/sha256/"+strings.TrimPrefix(sum("layer"), "sha256:"), "other")
			l.index(`{"schemaVersion": 2, "config": ` + l.blob("{}") + `, "layers": [` + layer + `]}`)
		}},
		{"a layer that is a pipe", "is not a file", func(l layout) {
			must(l, unix.Mkfifo(filepath.Join(l.dir, "blobs", "sha256", strings.TrimPrefix(sum("layer"), "sha256:")), 0o644))
			l.index(`{"schemaVersion": 2, "config": ` + l.blob("{}") + `, "layers": [{"digest": "` + sum("layer") + `"}]}`)
		}},
		{"a layer that is a link out", "escapes", func(l layout) {
			file := filepath.Join(l.TempDir(), "secret")
			must(l, os.WriteFile(file, []byte(outside), 0o600))
			must(l, os.Symlink(file, filepath.Join(l.dir, "blobs", "sha256", strings.TrimPrefix(sum(outside), "sha256:"))))
			l.index(`{"schemaVersion": 2, "config": ` + l.blob("{}") + `, "layers": [{"digest": "` + sum(outside) + `"}]}`)
		}},
		{"an index without an end", "index.json has more than", func(l layout) {
			f, err := os.Create(filepath.Join(l.dir, "index.json"))
			must(l, err)
			must(l, f.Truncate(1<<40))
			must(l, f.Close())
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, g := newLayout(t), &registry.Registry{Dir: t.TempDir()}
			c.make(l)
			if _, _, err := l.into(g); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v\n want %s", err, c.says)
			}
			if left := kept(g); len(left) > 0 {
				t.Errorf("what stayed: %q", left)
			}
		})
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// kept is what the repository app_web has, and content that is stored.
func kept(g *registry.Registry) []string {
	all, _ := filepath.Glob(filepath.Join(g.Dir, "repos", "app_web", "*", "*"))
	return all
}
