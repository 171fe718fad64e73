package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/store"
)

// pushed has one image, and flattens nothing.
type pushed struct{}

func (pushed) Adopt(context.Context, kigo.App, string, string) (kigo.ContainerImage, error) {
	return kigo.ContainerImage{}, kigo.Invalid("not asked for")
}

func (pushed) Whole(_ context.Context, _ kigo.App, typ string, about kigo.OCIImage) (kigo.Slug, error) {
	if about.Digest != "sha256:1" || typ != "builds" {
		return kigo.Slug{}, kigo.Invalid("The image %s of %s cannot be used: it was not pushed here.", about.Digest, about.Repo)
	}
	image := kigo.ContainerImage{ID: "sha256:1", Root: "sha256:2", Cmd: []string{"/serve"}, Dir: "/srv"}
	return kigo.Slug{
		OCI: &about, Digest: image.Root, ProcessTypes: map[string]string{"web": "bundle exec puma", "worker": "/serve"},
		Images: map[string]kigo.ContainerImage{"web": image, "worker": image},
	}, nil
}

// boxed is a server with an app on the stack container.
func boxed(t *testing.T) *server {
	t.Helper()
	s := newServer(t)
	s.api.Images = pushed{}
	app := s.app("myapp")
	must(t, s.store.Update(t.Context(), func(tx *store.Tx) error {
		a, err := tx.App(kigo.AppID(app.ID))
		if err != nil {
			return err
		}
		a.BuildStack = kigo.StackContainer
		return tx.UpdateApp(&a)
	}))
	return s
}

func TestAnImageIsCreatedFoundAndReleased(t *testing.T) {
	t.Parallel()
	s, ctx := boxed(t), t.Context()
	made, err := s.CreateOCIImage(ctx, "myapp", map[string]any{
		"image_repo": "myapp/builds", "digest": "sha256:1", "base_image_name": "heroku/heroku:22-cnb", "commit": "abc", "architecture": "amd64",
		"process_types": map[string]any{"web": map[string]any{"command": "/cnb/process/web", "display_cmd": "bundle exec puma", "default": true}, "worker": map[string]any{}},
		"buildpacks":    []any{map[string]any{"id": "heroku/ruby", "version": "2.0.0"}},
	})
	must(t, err)
	if web := made.ProcessTypes["web"]; web.Command != "/cnb/process/web" || web.DisplayCmd != "bundle exec puma" || !*web.Default || web.WorkingDir != "/srv" {
		t.Errorf("web is %+v", web)
	}
	if worker := made.ProcessTypes["worker"]; worker.Command != "/serve" || *worker.Default {
		t.Errorf("worker is %+v", worker)
	}
	if made.BaseImageName != "heroku/heroku:22-cnb" || *made.Architecture != "amd64" || made.Commit != "abc" || made.Buildpacks[0].ID != "heroku/ruby" {
		t.Errorf("made %+v", made)
	}
	for _, which := range []string{made.ID, "sha256:1"} {
		var found []client.OCIImage
		must(t, s.Do(ctx, http.MethodGet, "/apps/myapp/oci-images/"+which, nil, &found))
		if len(found) != 1 || found[0].ID != made.ID {
			t.Errorf("%s: %+v", which, found)
		}
	}
	var release client.Release
	must(t, s.Do(ctx, http.MethodPost, "/apps/myapp/releases", map[string]any{"oci_image": "sha256:1", "description": "an image"}, &release))
	if release.Slug == nil || release.Slug.ID != made.ID || release.Description != "an image" {
		t.Errorf("released %+v", release)
	}
}

func TestWhatIsWrongWithAnImageIsTold(t *testing.T) {
	t.Parallel()
	s := boxed(t)
	s.app("plain")
	const good = `"image_repo":"myapp/builds","digest":"sha256:1"`
	for _, c := range []struct{ body, says string }{
		{`{}`, "image_repo is required"},
		{`{"image_repo":"other/builds","digest":"sha256:1"}`, `image_repo is \"other/builds\", which is no repository of this app`},
		{`{"image_repo":"myapp","digest":"sha256:1"}`, "which is no repository of this app"},
		{`{"image_repo":"myapp/../x","digest":"sha256:1"}`, "which is no repository of this app"},
		{`{"image_repo":"myapp/builds"}`, "digest is required"},
		{`{"image_repo":"myapp/builds","digest":"` + strings.Repeat("x", 200) + `"}`, "digest is required"},
		{`{"image_repo":"myapp/builds","digest":"sha256:9"}`, "it was not pushed here"},
		{`{` + good + `,"stack":"heroku-22"}`, `container images are for the stack container`},
		{`{` + good + `,"process_types":{"w b":{}}}`, "is not a process type"},
		{`{` + good + `,"process_types":{"web":{"name":"worker"}}}`, "process_types.web has the name"},
		{`{` + good + `,"process_types":{"web":{"command":"a\u0000b"}}}`, "process_types.web.command has a zero byte"},
		{`{` + good + `,"process_types":{"web":{"working_dir":"` + strings.Repeat("x", 2000) + `"}}}`, "process_types.web.working_dir must be a text of at most"},
		{`{` + good + `,"base_image_name":"a\u0000"}`, "base_image_name must be a text"},
		{`{` + good + `,"process_types":[]}`, "process_types"},
		{`{` + good + `,"buildpacks":[` + strings.Repeat(`{},`, 100) + `{}]}`, "100 entries each at most"},
	} {
		if resp, text := s.raw("POST", "/apps/myapp/oci-images", s.token, nil, []byte(c.body)); resp.StatusCode < 400 || resp.StatusCode >= 500 || !strings.Contains(string(text), c.says) {
			t.Errorf("%.100s: %d %s", c.body, resp.StatusCode, text)
		}
	}
	if resp, text := s.raw("POST", "/apps/plain/oci-images", s.token, nil, []byte(`{"image_repo":"plain/web","digest":"sha256:1"}`)); resp.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(string(text), "heroku stack:set container") {
		t.Errorf("on another stack: %d %s", resp.StatusCode, text)
	}
	for _, path := range []string{"/apps/myapp/oci-images/sha256:1", "/apps/myapp/oci-images/x"} {
		if resp, text := s.raw("GET", path, s.token, nil, nil); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, resp.StatusCode, text)
		}
	}
	s.api.Images = nil
	if resp, text := s.raw("POST", "/apps/myapp/oci-images", s.token, nil, []byte(`{`+good+`}`)); resp.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(string(text), "no registry of container images") {
		t.Errorf("without a registry: %d %s", resp.StatusCode, text)
	}
}
