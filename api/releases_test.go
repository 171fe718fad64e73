package api_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/store"
)

func TestConfigVarsMakeReleases(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	s.app("myapp")
	value := "quotes \" ' $(id) `id`\nsecond line \U0001F600 <&>"
	vars, err := s.SetConfigVars(ctx, "myapp", map[string]*string{"A": ptr("1"), "B": &value})
	must(t, err)
	if d := cmp.Diff(map[string]string{"A": "1", "B": value}, vars); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	newest, err := s.Releases(ctx, "myapp", client.ListOptions{Desc: true, Max: 1})
	must(t, err)
	first := newest[0]
	vars, err = s.SetConfigVars(ctx, "myapp", map[string]*string{"A": nil})
	must(t, err)
	if d := cmp.Diff(map[string]string{"B": value}, vars); d != "" {
		t.Errorf("after unset (-want +got):\n%s", d)
	}
	got, err := s.ConfigVars(ctx, "myapp")
	must(t, err)
	if d := cmp.Diff(vars, got); d != "" {
		t.Errorf("read (-want +got):\n%s", d)
	}
	before, err := s.ReleaseConfigVars(ctx, "myapp", first.ID)
	must(t, err)
	if before["A"] != "1" {
		t.Errorf("the older release has %v", before)
	}
	again, err := s.Releases(ctx, "myapp", client.ListOptions{Desc: true, Max: 1})
	must(t, err)
	if again[0].Version != first.Version+1 {
		t.Errorf("v%d after v%d", again[0].Version, first.Version)
	}
}

func TestReleasesAreFoundAndRolledBack(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	s.app("myapp")
	one := s.deploy("myapp", map[string]string{"web": "./web"})
	two := s.deploy("myapp", map[string]string{"web": "./web2"})
	for _, which := range []string{two.ID, "v" + itoa(two.Version), itoa(two.Version)} {
		r, err := s.Release(ctx, "myapp", which)
		must(t, err)
		if r.ID != two.ID {
			t.Errorf("%s: v%d", which, r.Version)
		}
	}
	if one, err := s.Release(ctx, "myapp", one.ID); err != nil || one.Current || !one.EligibleForRollback || one.Artifacts[0].ID != one.Slug.ID {
		t.Errorf("the first deploy is %+v, %v", one, err)
	}
	if now, err := s.Release(ctx, "myapp", two.ID); err != nil || !now.Current || !now.EligibleForRollback {
		t.Errorf("the second deploy is %+v, %v", now, err)
	}
	back, err := s.Rollback(ctx, "myapp", one.ID)
	must(t, err)
	if back.Slug.ID != one.Slug.ID || back.Version != two.Version+1 || !strings.Contains(back.Description, "Rollback to v"+itoa(one.Version)) {
		t.Errorf("rolled back to %+v", back)
	}
	again, err := s.CreateRelease(ctx, "myapp", two.Slug.ID, "Again")
	must(t, err)
	if again.Description != "Again" || again.Slug.ID != two.Slug.ID {
		t.Errorf("released %+v", again)
	}
	for _, which := range []string{"v999", "0", "nonsense", "-1"} {
		_, err := s.Release(ctx, "myapp", which)
		wantError(t, err, 404, "not_found", "Couldn't find that release.")
		_, err = s.Rollback(ctx, "myapp", which)
		if err == nil {
			t.Errorf("rolled back to %s", which)
		}
	}
	if _, err := s.CreateRelease(ctx, "myapp", "01234567-89ab-cdef-0123-456789abcdef", ""); err == nil {
		t.Error("a slug that is not there was released")
	}
	s.app("other")
	if _, err := s.CreateRelease(ctx, "other", one.Slug.ID, ""); err == nil {
		t.Error("another app's slug was released")
	}
}

func TestASlugIsUploadedAndReleased(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	s.app("myapp")
	slug, err := s.CreateSlug(ctx, "myapp", client.NewSlug{
		ProcessTypes: map[string]string{"web": "./web", "worker": "./work"}, Commit: "abc", CommitDescription: "a commit",
		BuildpackProvidedDescription: "Ruby", Stack: "heroku-24",
	})
	must(t, err)
	if strings.ToUpper(slug.Blob.Method) != http.MethodPut || slug.Stack.Name != "heroku-24" || slug.ProcessTypes["worker"] != "./work" || *slug.Commit != "abc" {
		t.Errorf("created %+v", slug)
	}
	must(t, s.Upload(ctx, slug.Blob.URL, strings.NewReader("tarball"), 7))
	if err := s.Upload(ctx, slug.Blob.URL, strings.NewReader("other"), 5); err == nil {
		t.Error("a slug's content was replaced")
	}
	got, err := s.Slug(ctx, "myapp", slug.ID)
	must(t, err)
	if strings.ToUpper(got.Blob.Method) != http.MethodGet || got.Size == nil || *got.Size != 7 {
		t.Errorf("uploaded %+v", got)
	}
	r, err := s.CreateRelease(ctx, "myapp", slug.ID, "")
	must(t, err)
	if r.Slug.ID != slug.ID {
		t.Errorf("released %+v", r)
	}
	types, err := s.Formation(ctx, "myapp")
	must(t, err)
	if len(types) != 2 {
		t.Errorf("formation %+v", types)
	}
	s.app("other")
	_, err = s.Slug(ctx, "other", slug.ID)
	wantError(t, err, 404, "not_found", "Couldn't find that slug.")
}

// A page of releases is read from the database as a part: it must be what the
// whole list would have given.
func TestAPageOfReleasesIsThatOfTheWholeList(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	app := s.app("myapp")
	must(t, s.store.Update(t.Context(), func(tx *store.Tx) error {
		for range 28 { // and the first two of every app
			r := kigo.Release{App: kigo.AppID(app.ID), User: s.account.ID, UserEmail: s.account.Email, Status: kigo.ReleaseSucceeded, Description: "Deploy"}
			if err := tx.CreateRelease(&r, nil); err != nil {
				return err
			}
		}
		return nil
	}))
	const newest = 30
	for _, first := range []int{0, 1, 7, newest, 99} {
		for _, last := range []int{0, 1, 7, 20, newest, 99} {
			for _, limit := range []int{1, 2, 10, 200} {
				for form := range 8 {
					desc, after, before := form&1 > 0, form&2 > 0 && first > 0, form&4 > 0 && last > 0
					var want []int
					for v := range newest {
						n := v + 1
						if desc {
							n = newest - v
						}
						sign := map[bool]int{true: -1, false: 1}[desc]
						if first > 0 && (sign*(n-first) < 0 || after && n == first) || last > 0 && (sign*(n-last) > 0 || before && n == last) {
							continue
						}
						want = append(want, n)
					}
					more := len(want) > limit
					want = want[:min(limit, len(want))]
					header := "version " + map[bool]string{true: "]"}[after] + end(first) + ".." + end(last) + map[bool]string{true: "["}[before] + "; max=" + strconv.Itoa(limit)
					if desc {
						header += ", order=desc"
					}
					resp, body := s.raw("GET", "/apps/myapp/releases", s.token, http.Header{"Range": {header}}, nil)
					var got []struct{ Version int }
					must(t, json.Unmarshal(body, &got))
					versions := []int{}
					for _, r := range got {
						versions = append(versions, r.Version)
					}
					if !slices.Equal(versions, want) || (resp.StatusCode == http.StatusPartialContent) != more {
						t.Fatalf("%s: %d %v, want %v, more %v", header, resp.StatusCode, versions, want, more)
					}
				}
			}
		}
	}
}

func end(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
