package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kigo-dev/kigo/client"
)

func TestReleasesComeInPages(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	s.app("myapp")
	for i := range 12 {
		_, err := s.SetConfigVars(ctx, "myapp", map[string]*string{"N": ptr(fmt.Sprint(i))})
		must(t, err)
	}
	all, err := s.Releases(ctx, "myapp", client.ListOptions{})
	must(t, err)
	total := len(all)
	if total < 12 || all[0].Version != 1 {
		t.Fatalf("%d releases, the first is v%d", total, all[0].Version)
	}
	for _, c := range []struct {
		header string
		status int
		first  int
		n      int
		next   string
	}{
		{"version ..; max=3, order=desc", 206, total, 3, fmt.Sprintf("version ]%d..; max=3, order=desc", total-2)},
		{fmt.Sprintf("version ]%d..; max=3, order=desc", total-2), 206, total - 3, 3, fmt.Sprintf("version ]%d..; max=3, order=desc", total-5)},
		{"version ..; order=desc,max=1", 206, total, 1, fmt.Sprintf("version ]%d..; max=1, order=desc", total)},
		{"version ..; max=1000", 200, 1, total, ""},
		{"version 3..5", 200, 3, 3, ""},
		{"version ]3..5[", 200, 4, 1, ""},
		{"version 5..3; order=desc", 200, 5, 3, ""},
		{"version 900..", 200, 0, 0, ""},
		{"..; max=2", 206, 1, 2, "version ]2..; max=2"},
		{"", 200, 1, total, ""},
	} {
		resp, body := s.raw("GET", "/apps/myapp/releases", s.token, http.Header{"Range": {c.header}}, nil)
		var got []client.Release
		must(t, json.Unmarshal(body, &got))
		first := 0
		if len(got) > 0 {
			first = got[0].Version
		}
		if resp.StatusCode != c.status || first != c.first || len(got) != c.n || resp.Header.Get("Next-Range") != c.next {
			t.Errorf("%q: %d, %d from v%d, next %q; want %+v", c.header, resp.StatusCode, len(got), first, resp.Header.Get("Next-Range"), c)
		}
		if resp.Header.Get("Accept-Ranges") != "version, id, created_at" {
			t.Errorf("%q: Accept-Ranges %q", c.header, resp.Header.Get("Accept-Ranges"))
		}
		if want := fmt.Sprintf("version %d..", first); len(got) > 0 && resp.Header.Get("Content-Range")[:len(want)] != want {
			t.Errorf("%q: Content-Range %q", c.header, resp.Header.Get("Content-Range"))
		}
	}
	for _, header := range []string{"name ..", "version a..", "version ..; max=0", "version ..; order=up"} {
		resp, body := s.raw("GET", "/apps/myapp/releases", s.token, http.Header{"Range": {header}}, nil)
		if resp.StatusCode != http.StatusRequestedRangeNotSatisfiable {
			t.Errorf("%q: %d %s", header, resp.StatusCode, body)
		}
	}
}

func TestPagesJoinIntoTheWhole(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	want := map[string]bool{}
	for i := range 25 {
		name := fmt.Sprintf("app-%02d", i)
		s.app(name)
		want[name] = true
	}
	for _, field := range []string{"id", "name", "updated_at"} {
		for _, order := range []string{"asc", "desc"} {
			got := map[string]bool{}
			for next := field + " ..; max=4, order=" + order; next != ""; {
				resp, body := s.raw("GET", "/apps", s.token, http.Header{"Range": {next}}, nil)
				var page []client.App
				must(t, json.Unmarshal(body, &page))
				for _, a := range page {
					if got[a.Name] {
						t.Errorf("%s %s: %s came twice", field, order, a.Name)
					}
					got[a.Name] = true
				}
				next = resp.Header.Get("Next-Range")
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s %s (-want +got):\n%s", field, order, d)
			}
		}
	}
	newest, err := s.Releases(ctx, "app-00", client.ListOptions{Desc: true, Max: 1})
	must(t, err)
	if len(newest) > 1 {
		t.Errorf("asked for one, got %d", len(newest))
	}
}
