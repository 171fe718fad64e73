package e2e

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/internal/testenv"
)

// layer makes a layer of these entries.
func layer(t *testing.T, entries ...tar.Header) v1.Layer {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range entries {
		content := h.PAXRecords["content"]
		h.PAXRecords = nil
		h.Size = int64(len(content))
		must(t, w.WriteHeader(&h))
		_, err := io.WriteString(w, content)
		must(t, err)
	}
	must(t, w.Close())
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
	must(t, err)
	return l
}

func file(path, content string, mode int64, uid int) tar.Header {
	return tar.Header{Typeflag: tar.TypeReg, Name: path, Mode: mode, Uid: uid, Gid: uid, PAXRecords: map[string]string{"content": content}}
}

// site is an app on the container stack and the way to its repositories.
type containerSite struct {
	t     *testing.T
	s     *server
	k     *operatorCLI
	api   *client.Client
	app   string
	token string
}

func (c *containerSite) push(typ string, config v1.Config, layers ...v1.Layer) string {
	c.t.Helper()
	image, err := mutate.AppendLayers(empty.Image, layers...)
	must(c.t, err)
	file, err := image.ConfigFile()
	must(c.t, err)
	file = file.DeepCopy()
	file.Config, file.OS, file.Architecture = config, "linux", "amd64"
	image, err = mutate.ConfigFile(image, file)
	must(c.t, err)
	ref, err := name.ParseReference(strings.TrimPrefix(c.s.api, "http://")+"/"+c.app+"/"+typ+":latest", name.Insecure)
	must(c.t, err)
	must(c.t, remote.Write(ref, image, remote.WithAuth(&authn.Basic{Username: "_", Password: c.token}), remote.WithContext(c.t.Context())))
	id, err := image.ConfigName()
	must(c.t, err)
	return id.String()
}

// release does what `heroku container:release` does.
func (c *containerSite) release(typ string, image any) error {
	return c.api.Do(c.t.Context(), "PATCH", "/apps/"+c.app+"/formation", map[string]any{"updates": []any{map[string]any{"type": typ, "docker_image": image}}}, nil)
}

// answers waits until the app's page has a text.
func (c *containerSite) answers(path, want string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 2*time.Minute)
	defer cancel()
	web := &http.Client{Transport: &http.Transport{DialContext: dialLoopback}}
	last := ""
	for ctx.Err() == nil {
		resp, err := web.Get("http://" + c.app + ".localhost:" + c.s.httpPort + path)
		if err == nil {
			b, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if last = string(b); resp.StatusCode == http.StatusOK && strings.Contains(last, want) {
				return
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	c.t.Fatalf("%s answers %.500q, not %q\n%s", path, last, want, c.k.run("logs", "-a", c.app, "-n", "40"))
}

func variable(s *server, name string) string {
	for _, v := range s.variables {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

// Images are pushed, released, run as their own user in their own folder with their
// own environment, replaced and rolled back.
func TestContainerImagesRun(t *testing.T) {
	testenv.NeedsRoot(t)
	hub := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(hub.Close)
	s := startServer(t, setup{api: webAddress(t), args: []string{"--image-mirror", hub.URL}})
	k := newOperator(t, s)
	c := &containerSite{t: t, s: s, k: k, app: "boxed", token: variable(s, "HEROKU_API_KEY")}
	c.api = &client.Client{URL: s.api, Token: c.token}
	k.run("apps:create", c.app, "--no-remote", "--stack", "container")
	program, err := os.ReadFile(s.testapp)
	must(t, err)
	base := layer(t,
		file("etc/passwd", "root:x:0:0::/root:/bin/sh\nweb:x:700:700::/srv:/bin/sh\n", 0o644, 0),
		file("etc/gone", "x", 0o644, 0), file("srv/old/file", "x", 0o644, 0),
		file("bin/server", string(program), 0o4755, 0),
		tar.Header{Typeflag: tar.TypeChar, Name: "dev/zero", Mode: 0o666, Devmajor: 1, Devminor: 5},
	)
	second := layer(t,
		file("etc/.wh.gone", "", 0o644, 0), file("srv/old/.wh..wh..opq", "", 0o644, 0),
		tar.Header{Typeflag: tar.TypeLink, Name: "bin/linked", Linkname: "bin/server"},
		tar.Header{Typeflag: tar.TypeSymlink, Name: "usr/bin", Linkname: "../bin"},
		file("usr/bin/through", "link", 0o644, 0),
		file("app/data", "mine", 0o644, 700),
	)
	config := v1.Config{User: "web", Entrypoint: []string{"/bin/linked"}, Cmd: []string{"web"}, Env: []string{"GREETING=one"}, WorkingDir: "/srv"}
	first := c.push("web", config, base, second)
	if err := c.release("web", first); err != nil {
		t.Fatal(err)
	}
	c.answers("/", "hello from web.1")
	c.answers("/", "greeting=one")
	if ps := k.run("ps", "-a", c.app); !strings.Contains(ps, "/bin/linked web") || !strings.Contains(ps, "web.1: up") {
		t.Errorf("ps: %s", ps)
	}
	config.Env = []string{"GREETING=two"}
	c.push("web", config, base, second)
	if said := k.run("container:release", "web", "-a", c.app); !strings.Contains(said, "done, v4") {
		t.Errorf("container:release says %s", said)
	}
	c.answers("/", "greeting=two")
	if releases := k.run("releases", "-a", c.app); !strings.Contains(releases, "Deployed web (") {
		t.Errorf("releases: %s", releases)
	}
	config.Env = []string{"GREETING=three"}
	c.push("web", config, base, second)
	named(t, s, c.token, "container:release", "web", "-a", c.app)
	c.answers("/", "greeting=three")
	k.run("releases:rollback", "v3", "-a", c.app)
	c.answers("/", "greeting=one")

	for _, bad := range []struct {
		what, says string
		image      func() any
	}{
		{"an id that is none", "is not a digest", func() any { return "latest" }},
		{"an image that was not pushed", "was not pushed here", func() any { return "sha256:" + strings.Repeat("0", 64) }},
		{"a number", "docker_image of web must be", func() any { return 5 }},
		{"a way out", "leaves its folder", func() any {
			return c.push("web", config, layer(t, file("../../etc/passwd", "x", 0o644, 0)))
		}},
		{"a symlink for /etc", "/etc is not a folder", func() any {
			return c.push("web", config, layer(t, tar.Header{Typeflag: tar.TypeSymlink, Name: "etc", Linkname: "/srv"}))
		}},
		{"a loop of links", "too many symbolic links", func() any {
			return c.push("web", config, layer(t, tar.Header{Typeflag: tar.TypeSymlink, Name: "a", Linkname: "b"},
				tar.Header{Typeflag: tar.TypeSymlink, Name: "b", Linkname: "a"}, file("a/x", "x", 0o644, 0)))
		}},
		{"a hard link to nothing", "which is no file in it", func() any {
			return c.push("web", config, layer(t, tar.Header{Typeflag: tar.TypeLink, Name: "a", Linkname: "nosuch"}))
		}},
		{"a uid of another app", "has the ids from 0 to", func() any { return c.push("web", config, layer(t, file("a", "x", 0o644, 70000))) }},
		{"an unknown user", "whom its /etc/passwd does not have", func() any {
			return c.push("web", v1.Config{User: "nosuch", Cmd: []string{"/x"}}, base)
		}},
		{"nothing to run", "neither ENTRYPOINT nor CMD", func() any { return c.push("web", v1.Config{}, base) }},
		{"no layers", "has no layers", func() any { return c.push("web", config) }},
	} {
		if err := c.release("web", bad.image()); err == nil || !strings.Contains(err.Error(), bad.says) {
			t.Errorf("%s: %v, not %q", bad.what, err, bad.says)
		}
	}
	c.answers("/", "greeting=one")
	c.whole(base)
	c.mirrored(hub.URL, base)
}

// whole releases an image for all its process types, which it tells by the labels of Cloud
// Native Buildpacks.
func (c *containerSite) whole(base v1.Layer) {
	c.t.Helper()
	c.push("builds", v1.Config{Entrypoint: []string{"/bin/server", "web"}, Env: []string{"GREETING=whole"}, Labels: map[string]string{
		"io.buildpacks.build.metadata":     `{"processes": [{"type": "web", "command": ["bin/rails"], "args": ["server"], "default": true, "working-dir": "/app"}, {"type": "jobs", "command": "rake jobs"}], "buildpacks": [{"id": "heroku/ruby", "version": "2"}]}`,
		"io.buildpacks.lifecycle.metadata": `{"runImage": {"reference": "heroku/heroku:22", "topLayer": "sha256:12"}}`,
	}}, base, layer(c.t,
		file("cnb/run", "", 0o755, 0), tar.Header{Typeflag: tar.TypeLink, Name: "cnb/process/web", Linkname: "bin/server"},
		tar.Header{Typeflag: tar.TypeLink, Name: "cnb/process/jobs", Linkname: "bin/server"}))
	id, err := c.api.PushedImage(c.t.Context(), c.app, "builds")
	must(c.t, err)
	made, err := c.api.CreateOCIImage(c.t.Context(), c.app, map[string]any{"image_repo": c.app + "/builds", "digest": id, "commit": "abc"})
	must(c.t, err)
	web, jobs := made.ProcessTypes["web"], made.ProcessTypes["jobs"]
	if len(made.ProcessTypes) != 2 || web.Command != "/cnb/process/web" || web.DisplayCmd != "bin/rails server" || web.WorkingDir != "/app" || jobs.DisplayCmd != "rake jobs" ||
		made.BaseImageName != "heroku/heroku:22" || made.Buildpacks[0].ID != "heroku/ruby" {
		c.t.Errorf("the image is %+v", made)
	}
	made, err = c.api.CreateOCIImage(c.t.Context(), c.app, map[string]any{
		"image_repo": c.app + "/builds", "digest": id, "process_types": map[string]any{"web": map[string]any{"display_cmd": "serve"}, "jobs": map[string]any{"command": "rake jobs"}},
	})
	must(c.t, err)
	must(c.t, c.api.Do(c.t.Context(), "POST", "/apps/"+c.app+"/releases", map[string]any{"oci_image": made.ID}, nil))
	c.answers("/", "greeting=whole")
	if ps := c.k.run("ps", "-a", c.app); !strings.Contains(ps, "serve") || !strings.Contains(ps, "web.1: up") {
		c.t.Errorf("ps: %s", ps)
	}
}

// mirrored deploys a folder whose Dockerfile begins with an image of Docker Hub, which the
// operator's mirror has.
func (c *containerSite) mirrored(hub string, layers ...v1.Layer) {
	c.t.Helper()
	image, err := mutate.AppendLayers(empty.Image, layers...)
	must(c.t, err)
	image, err = mutate.Config(image, v1.Config{Cmd: []string{"/bin/server", "web"}})
	must(c.t, err)
	ref, err := name.ParseReference(strings.TrimPrefix(hub, "http://")+"/library/testapp:1.0", name.Insecure)
	must(c.t, err)
	must(c.t, remote.Write(ref, image, remote.WithContext(c.t.Context())))
	dir := c.t.TempDir()
	must(c.t, os.WriteFile(filepath.Join(dir, "heroku.yml"), []byte("build: {docker: {web: Dockerfile}}\n"), 0o644))
	must(c.t, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM testapp:1.0\nENV GREETING=mirrored\n"), 0o644))
	if said := c.k.run("deploy", dir, "-a", c.app); !strings.Contains(said, "Trying to pull docker.io/library/testapp:1.0") {
		c.t.Errorf("deploy says %s", said)
	}
	c.answers("/", "greeting=mirrored")
}

// webAddress is an address of this machine's own at the port that names without one lead to.
func webAddress(t *testing.T) string {
	t.Helper()
	for i := range 250 {
		address := fmt.Sprintf("127.87.%d.%d:443", os.Getpid()%250+1, i+1)
		if ln, err := net.Listen("tcp4", address); err == nil {
			must(t, ln.Close())
			return address
		}
	}
	t.Fatal("no address is free at port 443")
	return ""
}

// named runs the official command line against a platform that has a name, which leads to
// the server in a mount namespace of its own: HEROKU_HOST is that name alone, from which the
// command line makes those of the API and of the registry.
func named(t *testing.T, s *server, token string, args ...string) {
	t.Helper()
	host, _, err := net.SplitHostPort(strings.TrimPrefix(s.api, "http://"))
	must(t, err)
	hosts, home := filepath.Join(t.TempDir(), "hosts"), t.TempDir()
	must(t, os.WriteFile(hosts, []byte(host+" api.localhost registry.localhost\n127.0.0.1 localhost\n"), 0o644))
	cmd := exec.CommandContext(t.Context(), "unshare", append([]string{"--mount", "sh", "-c", `mount --bind "$0" /etc/hosts && exec heroku "$@"`, hosts}, args...)...)
	cmd.Env = []string{
		"PATH=" + s.path, "HOME=" + home, "HEROKU_HOST=localhost", "HEROKU_API_KEY=" + token, `HEROKU_HEADERS={"authorization":"Bearer ` + token + `"}`,
		"NODE_EXTRA_CA_CERTS=" + variable(s, "NODE_EXTRA_CA_CERTS"), "DISABLE_TELEMETRY=true", "HEROKU_DISABLE_AUTOUPDATE=1", "HEROKU_SKIP_NEW_VERSION_CHECK=true",
		"NODE_OPTIONS=--require " + filepath.Join(s.root, "e2e", "trap.cjs"), "KIGO_TRAP=" + filepath.Join(home, "trap"),
	}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Releasing images web to") {
		t.Fatalf("heroku %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	if trapped, err := os.ReadFile(filepath.Join(home, "trap")); err == nil {
		t.Errorf("it tried to leave this machine: %s", trapped)
	}
}
