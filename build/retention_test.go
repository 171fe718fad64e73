package build_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/blob"
	"github.com/kigo-dev/kigo/build"
	"github.com/kigo-dev/kigo/slug"
	"github.com/kigo-dev/kigo/store"
	"github.com/kigo-dev/kigo/store/storetest"
)

// attic is a store with an app and a folder of slugs, all of them old.
type attic struct {
	*build.Retention
	t     testing.TB
	app   kigo.App
	count int
}

func newAttic(t testing.TB) *attic {
	s := storetest.OpenSQLite(t)
	dir := t.TempDir()
	p := &platform{TB: t, store: s}
	return &attic{t: t, app: p.newApp("sample"), Retention: &build.Retention{
		Store: s, Slugs: &slug.Store{Dir: filepath.Join(dir, "slugs")}, Blobs: &blob.Store{Dir: filepath.Join(dir, "blobs")},
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}}
}

// slug makes a row and an old file for it, of size bytes.
func (a *attic) slug(size int) kigo.Slug {
	a.t.Helper()
	a.count++
	digest := fmt.Sprintf("%064x", a.count)
	file := filepath.Join(a.Slugs.Dir, digest+".erofs")
	must(a.t, os.MkdirAll(a.Slugs.Dir, 0o700))
	must(a.t, os.WriteFile(file, make([]byte, size), 0o400))
	must(a.t, os.Chtimes(file, time.Now(), time.Now().Add(-48*time.Hour)))
	s := kigo.Slug{ID: kigo.SlugID(uuid.NewString()), App: a.app.ID, Digest: "sha256:" + digest, Stack: "heroku-22", ProcessTypes: map[string]string{"web": "a"}}
	must(a.t, a.Store.Update(context.Background(), func(tx *store.Tx) error { return tx.CreateSlug(&s) }))
	return s
}

func (a *attic) release(s kigo.Slug, status kigo.ReleaseStatus, current bool) {
	a.t.Helper()
	r := kigo.Release{ID: kigo.ReleaseID(uuid.NewString()), App: a.app.ID, Slug: s.ID, Stack: "heroku-22", User: a.app.Owner, Status: status}
	must(a.t, a.Store.Update(context.Background(), func(tx *store.Tx) error {
		if err := tx.CreateRelease(&r, nil); err != nil || !current {
			return err
		}
		return tx.SetCurrentRelease(a.app.ID, r.ID)
	}))
}

func TestRetentionKeepsWhatOneMayNeedAgain(t *testing.T) {
	a := newAttic(t)
	current := a.slug(1)
	a.release(current, kigo.ReleaseSucceeded, true)
	failed, pending, unreleased := a.slug(1), a.slug(1), a.slug(1)
	a.release(failed, kigo.ReleaseFailed, false)
	var many []kigo.Slug
	for range 52 {
		s := a.slug(1)
		many = append(many, s)
		a.release(s, kigo.ReleaseSucceeded, false)
	}
	a.release(pending, kigo.ReleasePending, false)
	must(t, a.Collect(t.Context(), time.Now()))
	for _, c := range []struct {
		what string
		slug kigo.Slug
		kept bool
	}{
		{"the current one, however old", current, true}, {"one in its release phase", pending, true}, {"one that is not released yet", unreleased, true},
		{"one whose release failed", failed, false}, {"the newest", many[51], true}, {"the 50th", many[2], true}, {"the 51st", many[1], false},
	} {
		if a.Slugs.Has(c.slug.Digest) != c.kept {
			t.Errorf("%s: kept is %t", c.what, !c.kept)
		}
	}
	a.Quota = 20
	must(t, a.Collect(t.Context(), time.Now()))
	if !a.Slugs.Has(many[42].Digest) || a.Slugs.Has(many[41].Digest) || !a.Slugs.Has(current.Digest) {
		t.Error("above its quota, not the newest ten and the current one are left")
	}
}

func TestRetentionRemovesSourcesWithoutABuild(t *testing.T) {
	a := newAttic(t)
	put := func(text string) string {
		key, _, err := a.Blobs.Put(t.Context(), strings.NewReader(text))
		must(t, err)
		return key
	}
	used, unused := put("used"), put("unused")
	for _, key := range []string{"source-a", "slug-a"} {
		_, err := a.Blobs.PutKey(t.Context(), key, bytes.NewReader(nil))
		must(t, err)
	}
	must(t, a.Store.Update(t.Context(), func(tx *store.Tx) error {
		return tx.CreateBuild(&kigo.Build{ID: kigo.BuildID(uuid.NewString()), App: a.app.ID, User: a.app.Owner, Status: kigo.BuildPending, Stack: "heroku-22", Source: kigo.Source{Blob: used}})
	}))
	left := func(at time.Time) (keys []string) {
		must(t, a.Collect(t.Context(), at))
		infos, err := a.Blobs.List(t.Context())
		must(t, err)
		for _, i := range infos {
			keys = append(keys, i.Key)
		}
		return keys
	}
	if got := left(time.Now()); len(got) != 4 {
		t.Errorf("what was just put is gone: %v", got)
	}
	if got := strings.Join(left(time.Now().Add(time.Hour)), " "); strings.Contains(got, unused) || !strings.Contains(got, used) || !strings.Contains(got, "source-a") {
		t.Errorf("after an hour: %v", got)
	}
	if got := strings.Join(left(time.Now().Add(26*time.Hour)), " "); got != used {
		t.Errorf("after a day: %v", got)
	}
}
