package api_test

import (
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/kigo-dev/kigo/api"
	"github.com/kigo-dev/kigo/client"
)

func TestOneOfManyTakesAName(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	var wg sync.WaitGroup
	results := make([]error, 8)
	for i := range results {
		wg.Go(func() { _, results[i] = s.CreateApp(t.Context(), client.NewApp{Name: "wanted"}) })
	}
	wg.Wait()
	won := 0
	for _, err := range results {
		if err == nil {
			won++
			continue
		}
		wantError(t, err, 422, "invalid_params", "taken")
	}
	if won != 1 {
		t.Errorf("%d of %d took the name", won, len(results))
	}
}

func TestConfigChangesAtOnceAllStay(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.app("myapp")
	before, err := s.Releases(t.Context(), "myapp", client.ListOptions{})
	must(t, err)
	const n = 8
	var wg sync.WaitGroup
	errs := make([]error, n)
	for i := range n {
		wg.Go(func() {
			_, errs[i] = s.SetConfigVars(t.Context(), "myapp", map[string]*string{fmt.Sprintf("V%d", i): ptr("x")})
		})
	}
	wg.Wait()
	must(t, errors.Join(errs...))
	vars, err := s.ConfigVars(t.Context(), "myapp")
	must(t, err)
	after, err := s.Releases(t.Context(), "myapp", client.ListOptions{})
	must(t, err)
	if len(vars) != n || len(after) != len(before)+n {
		t.Errorf("%d vars and %d new releases of %d changes", len(vars), len(after)-len(before), n)
	}
}

func TestReadingWritesNothing(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.app("myapp")
	path := s.paths("myapp")
	db, err := sql.Open("sqlite", "file:"+filepath.Join(s.dir, "kigo.db")+"?mode=ro")
	must(t, err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	version := func() (n int) {
		t.Helper()
		must(t, db.QueryRow("PRAGMA data_version").Scan(&n)) // changes when another connection commits
		return n
	}
	last := version()
	for _, rt := range api.Routes() {
		if rt.Method != http.MethodGet {
			continue
		}
		s.raw("GET", path(rt.Pattern), s.token, nil, nil)
		if now := version(); now != last {
			t.Errorf("GET %s wrote to the database", rt.Pattern)
			last = now
		}
	}
	s.app("proof")
	if version() == last {
		t.Error("the check does not see writes")
	}
}

func TestDestroyedAppsAreGoneForEveryRoute(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.app("myapp")
	path := s.paths("myapp")
	_, err := s.DestroyApp(t.Context(), "myapp")
	must(t, err)
	for _, rt := range api.Routes() {
		if !strings.HasPrefix(rt.Pattern, "/apps/{app}") {
			continue
		}
		resp, body := s.raw(rt.Method, path(rt.Pattern), s.token, nil, []byte(`{}`))
		if resp.StatusCode/100 != 4 || !strings.Contains(string(body), "Couldn't find that app.") {
			t.Errorf("%s %s: %d %s", rt.Method, rt.Pattern, resp.StatusCode, body)
		}
	}
}
