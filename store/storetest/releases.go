package storetest

import (
	"context"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

func (f *fixture) slug(tx *store.Tx) (kigo.Slug, error) {
	s := kigo.Slug{App: f.app.ID, Digest: "sha256:00", Size: 5, ImageSize: 1 << 33, Stack: "heroku-22", AppJSON: "{}", OCI: &kigo.OCIImage{Repo: "a/web", Processes: map[string]kigo.ImageProcess{"web": {Command: "x"}}}, Images: map[string]kigo.ContainerImage{"web": {ID: "sha256:1", Root: "sha256:2", App: "sha256:3", Cmd: []string{"a"}, Dir: "/"}}, Commit: "0123abcd",
		CommitDescription: "first", BuildpackProvided: "Go", ProcessTypes: map[string]string{"web": "bin/web", "worker": `bin/w "a" 'b' é`}}
	err := tx.CreateSlug(&s)
	return s, err
}

func testSlugs(t *testing.T, f *fixture) {
	var s kigo.Slug
	f.update(t, func(tx *store.Tx) (err error) {
		s, err = f.slug(tx)
		return err
	})
	s.Digest, s.Size, s.ImageSize = "sha256:11", 6, 7
	f.update(t, func(tx *store.Tx) error { return tx.UpdateSlug(&s) })
	same(t, "one", get(t, f, func(tx *store.Tx) (kigo.Slug, error) { return tx.Slug(s.ID) }), s)
	same(t, "all", get(t, f, func(tx *store.Tx) ([]kigo.Slug, error) { return tx.Slugs(f.app.ID) }), []kigo.Slug{s})
	same(t, "digests", get(t, f, (*store.Tx).SlugDigests), []string{"sha256:11"})
	f.update(t, func(tx *store.Tx) error { return tx.DeleteSlug(s.ID) })
	same(t, "after deletion", get(t, f, (*store.Tx).SlugDigests), nil)
}

func testReleases(t *testing.T, f *fixture) {
	var all []kigo.Release
	f.update(t, func(tx *store.Tx) error {
		s, err := f.slug(tx)
		if err != nil {
			return err
		}
		for i, status := range []kigo.ReleaseStatus{kigo.ReleaseSucceeded, kigo.ReleasePending, kigo.ReleaseSucceeded} {
			r := kigo.Release{App: f.app.ID, Slug: s.ID, Stack: "heroku-22", Base: "sha256:ba5e", Description: "d", User: f.account.ID, UserEmail: "e", Status: status, Output: "o"}
			if i == 0 {
				r.Slug = "" // before code
			}
			if err := tx.CreateRelease(&r, nil); err != nil {
				return err
			}
			all = append([]kigo.Release{r}, all...)
		}
		return nil
	})
	list := func(tx *store.Tx) ([]kigo.Release, error) { return tx.Releases(f.app.ID) }
	same(t, "newest first", get(t, f, list), all)
	same(t, "version", all[0].Version, 3)
	for _, key := range []string{"v2", "2", string(all[1].ID)} {
		same(t, key, get(t, f, func(tx *store.Tx) (kigo.Release, error) { return tx.FindRelease(f.app.ID, key) }), all[1])
	}
	same(t, "latest", get(t, f, func(tx *store.Tx) (kigo.Release, error) { return tx.LatestRelease(f.app.ID) }), all[0])
	same(t, "pending", get(t, f, (*store.Tx).PendingReleases), []kigo.Release{all[1]})

	for _, r := range []kigo.Release{all[2], all[0], all[0], all[2]} {
		f.update(t, func(tx *store.Tx) error { return tx.SetCurrentRelease(f.app.ID, r.ID) })
		current := get(t, f, func(tx *store.Tx) (kigo.Release, error) { return tx.CurrentRelease(f.app.ID) })
		same(t, "current", current.ID, r.ID)
	}
	n := 0
	for _, r := range get(t, f, list) {
		if r.Current {
			n++
		}
	}
	same(t, "how many are current", n, 1)

	r := all[1]
	r.Status, r.Output, r.Failure = kigo.ReleaseFailed, "p", "web.1: Boot timeout"
	f.update(t, func(tx *store.Tx) error { return tx.UpdateRelease(&r) })
	same(t, "changed", get(t, f, func(tx *store.Tx) (kigo.Release, error) { return tx.Release(r.ID) }), r)
}

func testConfig(t *testing.T, f *fixture) {
	vars := func(tx *store.Tx) (kigo.ConfigVars, error) { return tx.ConfigVars(f.app.ID) }
	same(t, "before any release", get(t, f, vars), kigo.ConfigVars{})
	want := kigo.ConfigVars{"A": "$(id)\n\"'`", "B": "", "C": "\U0001F600 é <>&\u2028", "D": strings.Repeat("x", 60<<10)}
	var first kigo.Release
	f.update(t, func(tx *store.Tx) (err error) {
		first, err = f.release(tx, want)
		return err
	})
	same(t, "of the app", get(t, f, vars), want)
	f.update(t, func(tx *store.Tx) error {
		_, err := f.release(tx, kigo.ConfigVars{"A": "2"})
		return err
	})
	same(t, "after another release", get(t, f, vars), kigo.ConfigVars{"A": "2"})
	same(t, "of the first release", get(t, f, func(tx *store.Tx) (kigo.ConfigVars, error) { return tx.ReleaseConfig(first.ID) }), want)
}

func testBuilds(t *testing.T, f *fixture) {
	b := kigo.Build{App: f.app.ID, User: f.account.ID, UserEmail: "e", Status: kigo.BuildPending, Stack: "heroku-22",
		Buildpacks: []string{"heroku/go"}, Source: kigo.Source{Blob: "k", URL: "https://x/y?sig=z", Checksum: "SHA256:00", Version: "v", Description: "d"}, Output: "o"}
	f.update(t, func(tx *store.Tx) error { return tx.CreateBuild(&b) })
	same(t, "pending", get(t, f, (*store.Tx).PendingBuilds), []kigo.Build{b})
	f.update(t, func(tx *store.Tx) error {
		s, err := f.slug(tx)
		if err != nil {
			return err
		}
		r, err := f.release(tx, nil)
		if err != nil {
			return err
		}
		b.Status, b.Slug, b.Release, b.Failure, b.Buildpacks = kigo.BuildSucceeded, s.ID, r.ID, "why", []string{"heroku/nodejs", "heroku/go"}
		b.Resolved = []kigo.Buildpack{{Name: "heroku/go", Pin: "built in"}}
		return tx.UpdateBuild(&b)
	})
	same(t, "one", get(t, f, func(tx *store.Tx) (kigo.Build, error) { return tx.Build(b.ID) }), b)
	same(t, "of app", get(t, f, func(tx *store.Tx) ([]kigo.Build, error) { return tx.Builds(f.app.ID) }), []kigo.Build{b})
	same(t, "pending when ended", get(t, f, (*store.Tx).PendingBuilds), nil)
}

func testDeleteApp(t *testing.T, f *fixture) {
	var d kigo.Dyno
	f.update(t, func(tx *store.Tx) error {
		s, err := f.slug(tx)
		if err != nil {
			return err
		}
		r := kigo.Release{App: f.app.ID, Slug: s.ID, Status: kigo.ReleaseSucceeded}
		if err := tx.CreateRelease(&r, kigo.ConfigVars{"A": "1"}); err != nil {
			return err
		}
		b := kigo.Build{App: f.app.ID, Slug: s.ID, Release: r.ID, Status: kigo.BuildSucceeded}
		if err := tx.CreateBuild(&b); err != nil {
			return err
		}
		d = kigo.Dyno{App: f.app.ID, Release: r.ID, Type: "web", Number: 1}
		if err := tx.CreateDyno(&d); err != nil {
			return err
		}
		if err := tx.PutFormation(&kigo.Formation{App: f.app.ID, Type: "web"}); err != nil {
			return err
		}
		if err := tx.SetFeature(f.app.ID, "preboot", true); err != nil {
			return err
		}
		if err := tx.CreateDomain(&kigo.Domain{App: f.app.ID, Hostname: "h"}); err != nil {
			return err
		}
		return tx.Emit(kigo.Event{Kind: "app.create", App: f.app.ID})
	})
	f.update(t, func(tx *store.Tx) error { return tx.DeleteApp(f.app.ID) })
	for what, n := range map[string]int{
		"apps":     len(get(t, f, (*store.Tx).Apps)),
		"dynos":    len(get(t, f, (*store.Tx).AllDynos)),
		"domains":  len(get(t, f, (*store.Tx).AllDomains)),
		"digests":  len(get(t, f, (*store.Tx).SlugDigests)),
		"releases": len(get(t, f, func(tx *store.Tx) ([]kigo.Release, error) { return tx.Releases(f.app.ID) })),
		"builds":   len(get(t, f, func(tx *store.Tx) ([]kigo.Build, error) { return tx.Builds(f.app.ID) })),
		"types":    len(get(t, f, func(tx *store.Tx) ([]kigo.Formation, error) { return tx.Formations(f.app.ID) })),
		"features": len(get(t, f, func(tx *store.Tx) ([]store.Feature, error) { return tx.Features(f.app.ID) })),
	} {
		same(t, what, n, 0)
	}
	same(t, "events", len(get(t, f, func(tx *store.Tx) ([]kigo.Event, error) { return tx.EventsAfter(0, 10) })), 1)
	fails(t, "again", f.Update(context.Background(), func(tx *store.Tx) error { return tx.DeleteApp(f.app.ID) }), kigo.ErrNotFound)
}

// An image stays as long as an app may go back to it.
func testBasesInUse(t *testing.T, f *fixture) {
	f.update(t, func(tx *store.Tx) error {
		for _, r := range []struct {
			base    string
			status  kigo.ReleaseStatus
			proven  bool
			current bool
		}{
			{"old", kigo.ReleaseSucceeded, false, false}, {"proven", kigo.ReleaseSucceeded, true, false}, {"before", kigo.ReleaseSucceeded, false, false},
			{"failed", kigo.ReleaseFailed, false, false}, {"current", kigo.ReleaseSucceeded, false, true}, {"pending", kigo.ReleasePending, false, false},
		} {
			row := kigo.Release{App: f.app.ID, Stack: "heroku-22", Base: r.base, User: f.account.ID, UserEmail: "e", Status: r.status}
			if err := tx.CreateRelease(&row, nil); err != nil {
				return err
			}
			if r.proven {
				row.ProvenAt = tx.Now()
				if err := tx.UpdateRelease(&row); err != nil {
					return err
				}
			}
			if r.current {
				if err := tx.SetCurrentRelease(f.app.ID, row.ID); err != nil {
					return err
				}
			}
		}
		return nil
	})
	same(t, "in use", get(t, f, (*store.Tx).BasesInUse), []string{"before", "current", "pending", "proven"})
}
