package run_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/kigo-dev/kigo/buildpack"
	"github.com/kigo-dev/kigo/buildpack/container"
	"github.com/kigo-dev/kigo/buildpack/run"
)

// fakeBuilder notes what it is asked for.
type fakeBuilder struct {
	asked []string
	fails error
}

func (f *fakeBuilder) Build(_ context.Context, o container.Order) (string, error) {
	f.asked = append(f.asked, "build "+o.Image.Dockerfile+" "+o.Image.Target+" A="+o.Args["A"])
	_, _ = o.Out.Write([]byte("STEP 1"))
	return "sha256:1", f.fails
}

func (f *fakeBuilder) Export(_ context.Context, id, _, tag string) error {
	f.asked = append(f.asked, "export "+id+" "+tag)
	return nil
}

// containerJob runs a job over a folder of files, with a registry that has heroku/heroku:22
// and app/web:latest.
func containerJob(t *testing.T, builder *fakeBuilder, files map[string]string) (buildpack.Result, string) {
	t.Helper()
	dir := t.TempDir()
	source := filepath.Join(dir, "source.tar")
	var list []txtar.File
	for name, text := range files {
		list = append(list, txtar.File{Name: name, Data: []byte(text)})
	}
	if err := os.WriteFile(source, archive(t, list, nil), 0o600); err != nil {
		t.Fatal(err)
	}
	short, err := os.MkdirTemp("", "k") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(short) })
	ln, err := net.Listen("unix", short+"/s")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v2/heroku/heroku/manifests/22", "/v2/app/web/manifests/latest", "/v2/mirror/library/alpine/manifests/3":
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	})}
	go server.Serve(ln)
	t.Cleanup(func() { server.Close() })
	var out strings.Builder
	at := func(name string) string { return filepath.Join(dir, name) }
	r := run.Runner{Out: &out, Builder: builder, Job: buildpack.Job{
		Layout: buildpack.Layout{Source: source, Build: at("build"), Cache: at("cache"), Env: at("env"), Packs: at("packs"), Result: at("result.json")},
		Stack:  "container",
		Images: buildpack.ImageJob{Socket: short + "/s", Hosts: []string{"registry.test"}, Stacks: []string{"heroku/heroku:22"}, Mirror: true, DefaultStack: "heroku-22", Work: at("work"), Layout: at("layout")},
	}}
	good := r.Container(t.Context())
	var res buildpack.Result
	text, err := os.ReadFile(at("result.json"))
	if err == nil {
		err = json.Unmarshal(text, &res)
	}
	if err != nil || good != (res.Failure == "") {
		t.Fatalf("%t, %v: %s", good, err, text)
	}
	return res, out.String()
}

func TestImagesAreBuiltAsHerokuYMLSays(t *testing.T) {
	t.Parallel()
	b := &fakeBuilder{}
	res, out := containerJob(t, b, map[string]string{
		"heroku.yml":      "build:\n  docker:\n    web: {dockerfile: Dockerfile, target: web}\n    twin: {dockerfile: Dockerfile, target: web}\n    jobs: jobs/Dockerfile\n  config: {A: b}\nrun: {web: ./web}",
		"Dockerfile":      "FROM heroku/heroku:22 AS web\nFROM registry.test/app/web",
		"jobs/Dockerfile": "FROM scratch\nFROM alpine:3",
	})
	if res.Failure != "" {
		t.Fatalf("%s\n%s", res.Failure, out)
	}
	want := []string{"build Dockerfile web A=b", "export sha256:1 web", "export sha256:1 twin", "build jobs/Dockerfile  A=b", "export sha256:1 jobs"}
	if diff := cmp.Diff(want, b.asked); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]buildpack.Process{{Type: "web", Image: "web", Command: "./web"}, {Type: "twin", Image: "twin"}, {Type: "jobs", Image: "jobs"}}, res.Processes); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(out, "=== Building jobs (jobs/Dockerfile)\nSTEP 1\n") {
		t.Errorf("%s", out)
	}
}

func TestWhatCannotBeBuiltIsSaid(t *testing.T) {
	t.Parallel()
	const plain = "build:\n  docker:\n    web: Dockerfile"
	for _, c := range []struct {
		name, yml, dockerfile string
		fails                 error
		says                  string
		ours                  bool
	}{
		{"no manifest", "", "FROM scratch", nil, "=!= Your app does not include a heroku.yml build manifest.", false},
		{"a bad manifest", "web: x", "FROM scratch", nil, `heroku.yml cannot be used: line 1: "web" is not known`, false},
		{"no Dockerfile", plain, "", nil, "heroku.yml names Dockerfile for build.docker.web, and the source has no such file", false},
		{"an image that was not pushed", plain, "FROM registry.test/app/worker", nil, "Dockerfile begins with the image registry.test/app/worker, and nothing was pushed there that this app may use", false},
		{"a registry out of reach", plain, "FROM 127.0.0.1:1/a/b", nil, "its registry cannot be reached at https://127.0.0.1:1/v2/", false},
		{"a Dockerfile that fails", plain, "FROM scratch", container.ErrStep, "Dockerfile for web does not build: its own words are above", false},
		{"a builder that fails", plain, "FROM scratch", errors.New("no buildah"), "This is not a fault of your app", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{"heroku.yml": c.yml, "Dockerfile": c.dockerfile}
			for name, text := range files {
				if text == "" {
					delete(files, name)
				}
			}
			res, out := containerJob(t, &fakeBuilder{fails: c.fails}, files)
			if res.Failure == "" || res.Infrastructure != c.ours || !strings.Contains(out, c.says) || !strings.HasSuffix(out, " !     Push failed\n") {
				t.Errorf("%+v\n%s", res, out)
			}
		})
	}
}
