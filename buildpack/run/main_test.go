package run_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/pem"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/kigo-dev/kigo/buildpack"
	"github.com/kigo-dev/kigo/buildpack/apt"
	"github.com/kigo-dev/kigo/buildpack/golang"
	"github.com/kigo-dev/kigo/buildpack/inline"
	"github.com/kigo-dev/kigo/buildpack/nodejs"
	"github.com/kigo-dev/kigo/buildpack/procfile"
	"github.com/kigo-dev/kigo/buildpack/python"
	"github.com/kigo-dev/kigo/buildpack/static"
)

// shelf serves buildpacks over TLS on loopback: PATH.tgz is a tarball of the
// folder PATH, anything else a git repository.
var shelf *httptest.Server

// caFile is the certificate of shelf, goCache a CACHE_DIR for all Go apps.
var (
	caFile  string
	goCache func() string

	helloCommit string // of the repository hello
)

func TestMain(m *testing.M) {
	// Links to the test's own binary are the built-in buildpacks.
	if step := filepath.Base(os.Args[0]); step == "detect" || step == "compile" || step == "release" {
		name := filepath.Base(filepath.Dir(filepath.Dir(os.Args[0])))
		for _, b := range []buildpack.Builtin{golang.Buildpack, nodejs.Buildpack, python.Buildpack, static.Buildpack, procfile.Buildpack, apt.Buildpack, inline.Buildpack} {
			if b.Name == name {
				os.Exit(b.Main(context.Background(), step, os.Args[1:], os.Stdout, os.Stderr))
			}
		}
		os.Exit(1)
	}
	os.Exit(withShelf(m))
}

func withShelf(m *testing.M) int {
	dir, err := os.MkdirTemp("", "kigo-buildpacks-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	archive, err := txtar.ParseFile("testdata/buildpacks.txtar")
	if err != nil {
		panic(err)
	}
	write(dir, archive.Files)
	git(dir)
	backend, _ := exec.Command("git", "--exec-path").Output()
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/leads/") {
			http.Redirect(w, r, "http://127.0.0.1:1/elsewhere", http.StatusFound)
			return
		}
		if name, ok := strings.CutSuffix(r.URL.Path, ".tgz"); ok {
			serveTarball(w, filepath.Join(dir, filepath.Clean("/"+name)))
			return
		}
		(&cgi.Handler{
			Path: filepath.Join(strings.TrimSpace(string(backend)), "git-http-backend"),
			Env:  []string{"GIT_PROJECT_ROOT=" + filepath.Join(dir, "git"), "GIT_HTTP_EXPORT_ALL=1"},
		}).ServeHTTP(w, r)
	})
	shelf = httptest.NewTLSServer(mux)
	defer shelf.Close()
	caFile = filepath.Join(dir, "ca.pem")
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: shelf.Certificate().Raw})
	if err := os.WriteFile(caFile, cert, 0o644); err != nil {
		panic(err)
	}
	goCache = func() string { return filepath.Join(dir, "go-cache") }
	os.Setenv("SSL_CERT_FILE", caFile)
	return m.Run()
}

// write puts the files of an archive into a folder; those below bin/ and with a
// first line of #! are executable.
func write(dir string, files []txtar.File) {
	for _, f := range files {
		name := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			panic(err)
		}
		mode := os.FileMode(0o644)
		if bytes.HasPrefix(f.Data, []byte("#!")) {
			mode = 0o755
		}
		if err := os.WriteFile(name, f.Data, mode); err != nil {
			panic(err)
		}
	}
}

// git makes a repository of the folder hello, with a tag.
func git(dir string) {
	repo := filepath.Join(dir, "git", "hello.git")
	script := `set -e; cp -r "$1/hello" "$1/work"; cd "$1/work"; git init -q -b main; git add .
		git commit -q -m one; git tag v1; git clone -q --bare . "$2"; git -C "$2" config uploadpack.allowAnySHA1InWant true`
	cmd := exec.Command("/bin/sh", "-c", script, "sh", dir, repo)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_DATE=2020-01-01T00:00:00Z", "GIT_COMMITTER_DATE=2020-01-01T00:00:00Z",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
	if out, err := cmd.CombinedOutput(); err != nil {
		panic(string(out))
	}
	id, err := exec.Command("git", "--git-dir", repo, "rev-parse", "HEAD").Output()
	if err != nil {
		panic(err)
	}
	helloCommit = strings.TrimSpace(string(id))
}

func serveTarball(w http.ResponseWriter, dir string) {
	if _, err := os.Stat(dir); err != nil {
		http.Error(w, "no such buildpack", http.StatusNotFound)
		return
	}
	gz := gzip.NewWriter(w)
	t := tar.NewWriter(gz)
	t.AddFS(os.DirFS(dir))
	t.Close()
	gz.Close()
}
