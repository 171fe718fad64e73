package api_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/api"
	"github.com/kigo-dev/kigo/blob"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/logplex"
	"github.com/kigo-dev/kigo/metrics"
	"github.com/kigo-dev/kigo/output"
	"github.com/kigo-dev/kigo/secret"
	"github.com/kigo-dev/kigo/store"
	"github.com/kigo-dev/kigo/store/storetest"
)

// server is the whole API over a real store, with one account that is logged in.
type server struct {
	dir     string
	srv     *httptest.Server
	api     *api.Server
	t       testing.TB
	store   *store.Store
	control *control.Control
	hub     *logplex.Hub
	history *metrics.History
	output  *output.Store
	blobs   *blob.Store
	account kigo.Account
	actor   control.Actor
	token   string
	*client.Client
}

const operator = "op@example.com"

func newServer(t testing.TB, change ...func(*api.Deps)) *server {
	t.Helper()
	dir := t.TempDir()
	box := storetest.Box(t)
	log := slog.New(slog.NewTextHandler(testWriter{t}, nil))
	db := storetest.Open(t, "sqlite:"+storetest.File(t, dir), store.Options{Box: box, Log: log})
	s := &server{
		t: t, dir: dir, store: db, hub: &logplex.Hub{Dir: filepath.Join(dir, "logs")}, output: &output.Store{Dir: filepath.Join(dir, "output")},
		blobs: &blob.Store{Dir: filepath.Join(dir, "blobs")}, token: secret.NewToken(),
	}
	s.history = &metrics.History{Store: db, Log: log}
	s.control = &control.Control{Store: db, Logs: s.hub, Domain: "localhost", Stacks: []string{"heroku-22", "heroku-24"}, Log: log, Passwords: secret.Passwords{Memory: 1024, Time: 1}}
	var err error
	s.account, err = s.control.EnsureOperator(t.Context(), operator, s.token)
	must(t, err)
	s.actor = control.Actor{ID: s.account.ID, Email: s.account.Email}
	key := box.Derive("test")
	deps := api.Deps{
		Control: s.control, Store: db, Logs: &logplex.Sessions{Hub: s.hub, Key: key}, Output: s.output, Blobs: s.blobs,
		Key: key, Log: log, Stacks: s.control.Stacks, History: s.history, EcoPool: 1000 * time.Hour, Slugs: adopter{s},
		WebURL: func(app string) string { return "http://" + app + ".localhost:8080/" },
		Attach: func(_ *http.Request, secret string) string { return "rendezvous://localhost:5001/" + secret },
	}
	for _, f := range change {
		f(&deps)
	}
	handler, err := api.New(deps)
	must(t, err)
	s.api = handler
	s.srv = httptest.NewServer(handler)
	t.Cleanup(s.srv.Close)
	s.Client = s.as(s.token)
	return s
}

// as is a client with another token; each of its answers is checked by the schema.
func (s *server) as(token string) *client.Client {
	return &client.Client{URL: s.srv.URL, Token: token, HTTPClient: &http.Client{Transport: checked{s.t}}}
}

// second makes another account and returns its token.
func (s *server) second(email string, scope ...string) string {
	s.t.Helper()
	token := secret.NewToken()
	must(s.t, s.store.Update(s.t.Context(), func(tx *store.Tx) error {
		a := kigo.Account{Email: email}
		if err := tx.CreateAccount(&a); err != nil {
			return err
		}
		auth := kigo.Authorization{Account: a.ID, Scope: scope, TokenHint: secret.TokenHint(token)}
		return tx.CreateAuthorization(&auth, secret.HashToken(token))
	}))
	return token
}

// tokenOf makes another token of an account that is there.
func (s *server) tokenOf(email string) string {
	s.t.Helper()
	token := secret.NewToken()
	must(s.t, s.store.Update(s.t.Context(), func(tx *store.Tx) error {
		a, err := tx.AccountByEmail(email)
		if err != nil {
			return err
		}
		auth := kigo.Authorization{Account: a.ID, Scope: []string{"global"}, TokenHint: secret.TokenHint(token)}
		return tx.CreateAuthorization(&auth, secret.HashToken(token))
	}))
	return token
}

// scoped makes a token of the operator with less than everything.
func (s *server) scoped(scope ...string) string {
	s.t.Helper()
	a, err := s.CreateAuthorization(s.t.Context(), client.NewAuthorization{Scope: scope})
	must(s.t, err)
	return a.AccessToken.Token
}

// app makes an app.
func (s *server) app(name string) client.App {
	s.t.Helper()
	a, err := s.CreateApp(s.t.Context(), client.NewApp{Name: name})
	must(s.t, err)
	return a
}

// deploy gives an app a slug with these process types by a build that succeeds.
func (s *server) deploy(app string, types map[string]string) client.Release {
	s.t.Helper()
	b, err := s.CreateBuild(s.t.Context(), app, client.NewBuild{SourceBlob: client.NewSourceBlob{URL: "https://example.com/a.tgz", Version: "v1"}})
	must(s.t, err)
	r, err := s.control.CompleteBuild(s.t.Context(), kigo.BuildID(b.ID), kigo.Slug{
		Digest: "sha256:0", Size: 1000, ImageSize: 2000, Stack: "heroku-22", BuildpackProvided: "Go", ProcessTypes: types,
	})
	must(s.t, err)
	out, err := s.Release(s.t.Context(), app, string(r.ID))
	must(s.t, err)
	return out
}

// raw sends a request as it is.
func (s *server) raw(method, path, token string, header http.Header, body []byte) (*http.Response, []byte) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.srv.URL+path, bytes.NewReader(body))
	must(s.t, err)
	r.Header.Set("Accept", "application/vnd.heroku+json; version=3")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for k, v := range header {
		r.Header[k] = v
	}
	resp, err := (&http.Client{Transport: checked{s.t}}).Do(r)
	must(s.t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	must(s.t, err)
	return resp, data
}

// checked validates every answer that passes, except those of endless streams.
type checked struct{ t testing.TB }

// official is the public schema of version 3, with the links that only the variant
// 3.sdk has.
var official = sync.OnceValues(func() (*hyperSchema, error) {
	s, err := loadSchema("testdata/schema/platform-api-schema.json")
	if err != nil {
		return nil, err
	}
	more, err := variant()
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, l := range s.links {
		known[l.key()] = true
	}
	for _, l := range more.links {
		if !known[l.key()] {
			s.links = append(s.links, l)
		}
	}
	return s, nil
})

// variant is the schema that Heroku's command line asks for: answers with more.
var variant = sync.OnceValues(func() (*hyperSchema, error) {
	return loadSchema("testdata/schema/platform-api-schema-3.sdk.json")
})

func (c checked) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if path := r.URL.EscapedPath(); err != nil || outside(path) && resp.StatusCode < 400 || strings.HasPrefix(path, "/logstream/") {
		return resp, err
	}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") && (strings.HasPrefix(r.URL.Path, "/auth/browser/") || r.URL.Path == "/oauth/authorize") {
		return resp, nil // pages for people
	}
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(data))
	schema, err := official()
	if err != nil {
		return nil, err
	}
	if err := schema.check(r, resp.StatusCode, resp.Header.Get("Content-Type"), data); err != nil {
		c.t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	if err := checkOwn(r, resp.StatusCode, data); err != nil {
		c.t.Errorf("%s %s does not fit our own schema: %v", r.Method, r.URL.Path, err)
	}
	return resp, nil
}

// adopter takes uploaded slugs as if they had been unpacked, and gives them out as
// they came; one that begins with "damaged" ends early, one of "lost" not at all.
type adopter struct{ s *server }

func (a adopter) Adopt(ctx context.Context, slug kigo.Slug, blob string) error {
	info, err := a.s.blobs.Stat(ctx, blob)
	if err != nil {
		return err
	}
	_, err = a.s.control.FinishSlug(ctx, slug.ID, "sha256:1", info.Size, info.Size)
	return err
}

func (a adopter) Archive(ctx context.Context, slug kigo.Slug, w io.Writer) error {
	f, err := a.s.blobs.Open(ctx, "slug-"+string(slug.ID))
	if err != nil {
		return err
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil || string(text) == "lost" {
		return kigo.NotFound("slug image")
	}
	if _, err := w.Write(text); err != nil || strings.HasPrefix(string(text), "damaged") {
		return io.ErrUnexpectedEOF
	}
	return nil
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Log(string(p))
	return len(p), nil
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
