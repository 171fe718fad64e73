package api_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/api"
	"github.com/kigo-dev/kigo/blob"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/logplex"
	"github.com/kigo-dev/kigo/output"
	"github.com/kigo-dev/kigo/secret"
	"github.com/kigo-dev/kigo/store"
	"github.com/kigo-dev/kigo/store/storetest"
)

var (
	accounts = flag.Int("accounts", 100, "accounts, with 100 apps each")
	releases = flag.Int("releases", 100, "releases of each app")
)

const (
	appsEach  = 100
	dynosEach = 2
	workers   = 8
)

// questions are what the commands ask of an app: kigo apps:info, config, ps, releases and apps.
var questions = []struct{ name, path, span string }{
	{"app_info", "/apps/%s", ""},
	{"config", "/apps/%s/config-vars", ""},
	{"ps", "/apps/%s/dynos", ""},
	{"releases", "/apps/%s/releases", "version ..; max=15, order=desc"},
	{"apps", "/apps", ""},
}

// owner is an account with the names of its apps.
type owner struct {
	token string
	apps  []string
}

func BenchmarkLists(b *testing.B) {
	databases := []struct {
		name string
		open func(testing.TB) *store.Store
	}{
		{"sqlite", storetest.OpenSQLite},
		{"postgres", func(t testing.TB) *store.Store {
			return storetest.Open(t, storetest.StartPostgres(t).Database(t), store.Options{})
		}},
	}
	for _, db := range databases {
		b.Run(db.name, func(b *testing.B) {
			st := db.open(b)
			owners := fill(b, st)
			srv := httptest.NewServer(handler(b, st))
			defer srv.Close()
			for _, q := range questions {
				b.Run(q.name, func(b *testing.B) { ask(b, srv.URL, q.path, q.span, owners) })
			}
		})
	}
}

// fill makes the apps, each with its releases and dynos.
func fill(b *testing.B, st *store.Store) []owner {
	b.Helper()
	owners := make([]owner, *accounts)
	began, apps := time.Now(), 0
	for i := range owners {
		owners[i].token = secret.NewToken()
		account := kigo.Account{Email: fmt.Sprintf("user%d@example.com", i)}
		update(b, st, func(tx *store.Tx) error {
			if err := tx.CreateAccount(&account); err != nil {
				return err
			}
			a := kigo.Authorization{Account: account.ID, Scope: []string{"global"}, TokenHint: secret.TokenHint(owners[i].token)}
			return tx.CreateAuthorization(&a, secret.HashToken(owners[i].token))
		})
		for k := range appsEach {
			name := fmt.Sprintf("app-%d-%d", i, k)
			owners[i].apps = append(owners[i].apps, name)
			update(b, st, func(tx *store.Tx) error { return fillApp(tx, account, name) })
			if apps++; apps%1000 == 0 {
				b.Logf("%d apps, %d releases after %v", apps, apps**releases, time.Since(began).Round(time.Second))
			}
		}
	}
	return owners
}

func fillApp(tx *store.Tx, account kigo.Account, name string) error {
	app := kigo.App{Name: name, Owner: account.ID, Stack: "heroku-22", BuildStack: "heroku-22", Region: "us"}
	if err := tx.CreateApp(&app); err != nil {
		return err
	}
	vars := kigo.ConfigVars{"DATABASE_URL": "postgres://u:p@db.example.com/app", "SECRET_KEY_BASE": name, "LANG": "en_US.UTF-8"}
	var last kigo.Release
	for n := range *releases {
		last = kigo.Release{App: app.ID, User: account.ID, UserEmail: account.Email, Description: fmt.Sprintf("Deploy %08x", n), Status: kigo.ReleaseSucceeded}
		if err := tx.CreateRelease(&last, vars); err != nil {
			return err
		}
	}
	if err := tx.SetCurrentRelease(app.ID, last.ID); err != nil {
		return err
	}
	for n := range dynosEach {
		d := kigo.Dyno{App: app.ID, Type: "web", Number: n + 1, Command: "serve", Size: "Basic", State: kigo.DynoUp, Release: last.ID, Version: last.Version}
		if err := tx.CreateDyno(&d); err != nil {
			return err
		}
	}
	return nil
}

func update(b *testing.B, st *store.Store, f func(*store.Tx) error) {
	b.Helper()
	if err := st.Update(context.Background(), f); err != nil {
		b.Fatal(err)
	}
}

func handler(b *testing.B, st *store.Store) http.Handler {
	b.Helper()
	quiet := slog.New(slog.DiscardHandler)
	h, err := api.New(api.Deps{
		Logs: &logplex.Sessions{Hub: &logplex.Hub{Dir: b.TempDir(), Log: quiet}, Key: make([]byte, 32)}, Output: &output.Store{Dir: b.TempDir()}, Blobs: &blob.Store{Dir: b.TempDir()},
		Control: &control.Control{Store: st, Domain: "localhost", Log: quiet}, Store: st, Key: make([]byte, 32), Stacks: []string{"heroku-22"},
		WebURL: func(app string) string { return "http://" + app + ".localhost/" }, Log: quiet,
	})
	if err != nil {
		b.Fatal(err)
	}
	return h
}

// ask sends b.N requests by several clients at once, each for another account's app.
func ask(b *testing.B, url, path, span string, owners []owner) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: workers}}
	defer client.CloseIdleConnections()
	var left atomic.Int64
	left.Store(int64(b.N))
	took := make([][]time.Duration, workers)
	before := cpu()
	b.ResetTimer()
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for left.Add(-1) >= 0 {
				o := owners[rand.IntN(len(owners))]
				at := path
				if path != "/apps" {
					at = fmt.Sprintf(path, o.apps[rand.IntN(len(o.apps))])
				}
				began := time.Now()
				if err := get(client, url+at, span, o.token); err != nil {
					b.Error(err)
					return
				}
				took[w] = append(took[w], time.Since(began))
			}
		})
	}
	all.Wait()
	b.StopTimer()
	sorted := slices.Sorted(slices.Values(slices.Concat(took...)))
	if len(sorted) == 0 {
		return
	}
	b.ReportMetric(float64(len(sorted))/b.Elapsed().Seconds(), "requests/s")
	b.ReportMetric(ms(sorted[len(sorted)/2]), "p50-ms")
	b.ReportMetric(ms(sorted[len(sorted)*99/100]), "p99-ms")
	b.ReportMetric(float64((cpu()-before).Microseconds())/float64(len(sorted)), "cpu-us/op")
}

func get(client *http.Client, url, span, token string) error {
	q, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	q.Header.Set("Authorization", "Bearer "+token)
	q.Header.Set("Accept", "application/vnd.heroku+json; version=3")
	if span != "" {
		q.Header.Set("Range", span)
	}
	res, err := client.Do(q)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusPartialContent {
		return fmt.Errorf("%s: %s", url, res.Status)
	}
	return nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// cpu is what this process has used, server and clients together.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
