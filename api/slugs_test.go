package api_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/store"
)

func TestASlugsTarballIsGivenAtItsAddress(t *testing.T) {
	s, ctx := newServer(t), t.Context()
	s.app("myapp")
	for _, c := range []struct {
		content, got string
		status       int
	}{
		{"tarball", "tarball", 200},
		{"lost", "Couldn't find that slug image.", 404},
		{"damaged", "", 0}, // the connection is cut: nobody takes it for whole
	} {
		slug, err := s.CreateSlug(ctx, "myapp", client.NewSlug{ProcessTypes: map[string]string{"web": "./web"}})
		must(t, err)
		if status, text := fetch(t, s.address(slug.ID)); status != 404 || !strings.Contains(text, "This slug has no content yet") {
			t.Errorf("before it was put: %d %s", status, text)
		}
		must(t, s.Upload(ctx, slug.Blob.URL, strings.NewReader(c.content), int64(len(c.content))))
		if status, text := fetch(t, s.address(slug.ID)); status != c.status || !strings.Contains(text, c.got) {
			t.Errorf("%s: %d %s", c.content, status, text)
		}
		if status, text := fetch(t, s.address(slug.ID)+"x"); status != 403 || !strings.Contains(text, "This address has expired or was changed.") {
			t.Errorf("at a changed address: %d %s", status, text)
		}
	}
}

func TestAnAppHasAHundredProcessTypesAtMost(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	s.app("myapp")
	types := map[string]string{}
	for i := range kigo.MaxProcessTypes {
		types[fmt.Sprint("type", i)] = "./run"
	}
	slug, err := s.CreateSlug(ctx, "myapp", client.NewSlug{ProcessTypes: types})
	must(t, err)
	must(t, s.Upload(ctx, slug.Blob.URL, strings.NewReader("tarball"), 7))
	_, err = s.CreateRelease(ctx, "myapp", slug.ID, "")
	must(t, err)
	formation, err := s.Formation(ctx, "myapp")
	must(t, err)
	if len(formation) != kigo.MaxProcessTypes {
		t.Errorf("%d types", len(formation))
	}
	types["web"] = "./web"
	_, err = s.CreateSlug(ctx, "myapp", client.NewSlug{ProcessTypes: types})
	wantError(t, err, 422, "invalid_params", "Too many process types: 101, the maximum is 100")
}

func TestASlugOfImagesHasNoTarball(t *testing.T) {
	s, ctx := newServer(t), t.Context()
	app := s.app("myapp")
	slug, err := s.CreateSlug(ctx, "myapp", client.NewSlug{ProcessTypes: map[string]string{"web": "./web"}})
	must(t, err)
	images := kigo.Slug{App: kigo.AppID(app.ID), Images: map[string]kigo.ContainerImage{"web": {ID: "sha256:1"}}, Stack: kigo.StackContainer}
	must(t, s.store.Update(ctx, func(tx *store.Tx) error { return tx.CreateSlug(&images) }))
	at := strings.ReplaceAll(s.address(slug.ID), slug.ID, string(images.ID))
	if status, _ := fetch(t, at); status != 403 {
		t.Errorf("the address of one slug opens another: %d", status)
	}
	if status, text := fetch(t, s.address(string(images.ID))); status != 422 || !strings.Contains(text, "pull the image from the registry") {
		t.Errorf("%d %s", status, text)
	}
}

// address is where the API says that a slug can be fetched.
func (s *server) address(slug string) string {
	s.t.Helper()
	got, err := s.Slug(s.t.Context(), "myapp", slug)
	must(s.t, err)
	if got.Blob.Method != strings.ToLower(http.MethodGet) {
		s.t.Errorf("method %s", got.Blob.Method)
	}
	return got.Blob.URL
}

// fetch returns status 0 for an answer that was cut off.
func fetch(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		return 0, ""
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, ""
	}
	return resp.StatusCode, string(text)
}
