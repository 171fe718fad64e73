package api_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/store"
)

func TestASourceIsUploadedAndBuilt(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	s.app("myapp")
	src, err := s.CreateSource(ctx)
	must(t, err)
	must(t, s.Upload(ctx, src.SourceBlob.PutURL, strings.NewReader("a tarball"), 9))
	resp, err := http.Get(src.SourceBlob.GetURL)
	must(t, err)
	data, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if string(data) != "a tarball" {
		t.Errorf("got back %d %q", resp.StatusCode, data)
	}

	b, err := s.CreateBuild(ctx, "myapp", client.NewBuild{
		SourceBlob: client.NewSourceBlob{URL: src.SourceBlob.GetURL, Version: "60883d9", VersionDescription: "a commit", Checksum: "SHA256:" + strings.Repeat("a", 64)},
		Buildpacks: []client.Buildpack{{Name: "heroku/go"}, {URL: "https://github.com/heroku/heroku-buildpack-ruby"}},
	})
	must(t, err)
	if b.Status != "pending" || *b.SourceBlob.Version != "60883d9" || b.User.Email != operator || len(b.Buildpacks) != 2 || b.Release != nil {
		t.Errorf("created %+v", b)
	}
	must(t, s.store.View(ctx, func(tx *store.Tx) error {
		kept, err := tx.Build(kigo.BuildID(b.ID))
		if !strings.HasPrefix(kept.Source.Blob, "source-") {
			t.Errorf("the source %+v does not name the blob", kept.Source)
		}
		return err
	}))

	w, err := s.output.Create(buildOf(t, s, b.ID).Output)
	must(t, err)
	fmt.Fprintln(w, "-----> Building")
	must(t, w.Close())
	r, err := s.control.CompleteBuild(ctx, kigo.BuildID(b.ID), kigo.Slug{Digest: "sha256:0", Size: 5, ProcessTypes: map[string]string{"web": "./web"}})
	must(t, err)
	done, err := s.Build(ctx, "myapp", b.ID)
	must(t, err)
	if done.Status != "succeeded" || done.Release.ID != string(r.ID) || done.Slug == nil {
		t.Errorf("in the end %+v", done)
	}
	var out bytes.Buffer
	must(t, s.StreamOutput(ctx, &out, done.OutputStreamURL))
	if out.String() != "-----> Building\n" {
		t.Errorf("output %q", out.String())
	}
	result, err := s.BuildResult(ctx, "myapp", b.ID)
	must(t, err)
	if result.Build.Status != "succeeded" || *result.ExitCode != 0 || len(result.Lines) != 1 || result.Lines[0].Line != "-----> Building\n" {
		t.Errorf("result %+v", result)
	}
	all, err := s.Builds(ctx, "myapp", client.ListOptions{Desc: true})
	must(t, err)
	if len(all) != 1 || all[0].ID != b.ID {
		t.Errorf("builds %+v", all)
	}
}

func TestABuildIsCancelled(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	s.app("myapp")
	s.app("other")
	b, err := s.CreateBuild(ctx, "myapp", client.NewBuild{SourceBlob: client.NewSourceBlob{URL: "https://example.com/a.tgz"}})
	must(t, err)
	_, err = s.Build(ctx, "other", b.ID)
	wantError(t, err, 404, "not_found", "Couldn't find that build.")
	result, err := s.BuildResult(ctx, "myapp", b.ID)
	must(t, err)
	if result.Build.Status != "pending" || result.ExitCode != nil {
		t.Errorf("result %+v", result)
	}
	cancelled, err := s.CancelBuild(ctx, "myapp", b.ID)
	must(t, err)
	if cancelled.Status != "failed" {
		t.Errorf("cancelled %+v", cancelled)
	}
	must(t, s.PurgeBuildCache(ctx, "myapp"))
}

func TestCapabilitiesAreCheckedBeforeAnythingElse(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	src, err := s.CreateSource(ctx)
	must(t, err)
	put, get := src.SourceBlob.PutURL, src.SourceBlob.GetURL
	for _, url := range []string{
		strings.Split(put, "?")[0], put + "x", get, // a get address does not put
		strings.Replace(put, "source-", "other-", 1), strings.Replace(put, "/sources/", "/sources/..%2f", 1),
		s.srv.URL + "/streams/x?signature=x", s.srv.URL + "/slugs/x?signature=",
	} {
		err := s.Upload(ctx, url, strings.NewReader("x"), 1)
		if e, ok := err.(*client.Error); !ok || e.Status != http.StatusForbidden && e.Status != http.StatusNotFound {
			t.Errorf("%s: %v", url, err)
		}
	}
	for _, path := range []string{"/streams/x", "/streams/x?signature=abc", "/slugs/x", "/sources/x", "/logstream/abc"} {
		resp, _ := s.raw("GET", path, s.token, nil, nil)
		if resp.StatusCode != http.StatusForbidden && resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
	s.app("myapp")
	_, err = s.CreateBuild(ctx, "myapp", client.NewBuild{SourceBlob: client.NewSourceBlob{URL: put}})
	wantError(t, err, 422, "invalid_params", "expired or was changed")
}

func TestBuildpacksAreSetInOrder(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	s.app("myapp")
	set, err := s.SetBuildpacks(ctx, "myapp", []string{"urn:buildpack:heroku/nodejs", "heroku/go", "https://github.com/heroku/heroku-buildpack-ruby"})
	must(t, err)
	got, err := s.BuildpackInstallations(ctx, "myapp")
	must(t, err)
	want := []string{"urn:buildpack:heroku/nodejs", "urn:buildpack:heroku/go", "https://github.com/heroku/heroku-buildpack-ruby"}
	if len(got) != 3 || len(set) != 3 {
		t.Fatalf("set %+v, got %+v", set, got)
	}
	for i, w := range want {
		if got[i].Buildpack.URL != w || got[i].Ordinal != i || set[i] != got[i] {
			t.Errorf("%d: %+v, want %s", i, got[i], w)
		}
	}
	cleared, err := s.SetBuildpacks(ctx, "myapp", nil)
	must(t, err)
	if len(cleared) != 0 {
		t.Errorf("cleared %+v", cleared)
	}
}

func TestTheRegistryKnowsTheBuiltIns(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for path, want := range map[string]string{
		"/buildpacks": `"namespace": "heroku"`, "/buildpacks?in[name][]=go": `"name": "go"`,
		"/buildpacks/heroku%2Fgo": `"blob_url": "urn:buildpack:heroku/go"`, "/buildpacks/heroku%2Fgo/revisions": `"published"`,
		"/buildpacks/heroku%2Fgo/readme": `"base64"`,
	} {
		resp, body := s.raw("GET", path, "", nil, nil)
		if resp.StatusCode != http.StatusOK || !strings.Contains(string(body), want) {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
	if _, body := s.raw("GET", "/buildpacks?in[name][]=cobol", "", nil, nil); strings.TrimSpace(string(body)) != "[]" {
		t.Errorf("a search for cobol: %s", body)
	}
	if resp, _ := s.raw("GET", "/buildpacks/heroku%2Fcobol", "", nil, nil); resp.StatusCode != http.StatusNotFound {
		t.Errorf("an unknown one: %d", resp.StatusCode)
	}
}

func buildOf(t *testing.T, s *server, id string) (b kigo.Build) {
	t.Helper()
	must(t, s.store.View(t.Context(), func(tx *store.Tx) (err error) {
		b, err = tx.Build(kigo.BuildID(id))
		return err
	}))
	return b
}
