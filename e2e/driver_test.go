package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kigo-dev/kigo/client"
)

// limit bounds every wait of the tests that are not scripts: a machine may be busy.
const limit = 40 * time.Second

// api is a client for the operator.
func (s *server) client(t *testing.T) *client.Client {
	t.Helper()
	for _, v := range s.variables {
		if token, ok := strings.CutPrefix(v, "HEROKU_API_KEY="); ok {
			return client.New(s.api, token)
		}
	}
	t.Fatalf("kigo env prints no HEROKU_API_KEY: %q", s.variables)
	return nil
}

// eventually waits for f to return nil, which it is asked often.
func eventually(t testing.TB, what string, f func() error) {
	t.Helper()
	tick := time.NewTicker(150 * time.Millisecond) // the API counts its calls
	defer tick.Stop()
	for deadline := time.Now().Add(limit); ; <-tick.C {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v: %v", what, limit, err)
		}
	}
}

// deploy makes an app that runs the test app, without a push.
func (s *server) deploy(t *testing.T, app string, types, vars map[string]string) {
	t.Helper()
	c, ctx := s.client(t), t.Context()
	if _, err := c.CreateApp(ctx, client.NewApp{Name: app}); err != nil {
		t.Fatal(err)
	}
	set := map[string]*string{}
	for name, value := range vars {
		set[name] = &value
	}
	if _, err := c.SetConfigVars(ctx, app, set); err != nil {
		t.Fatal(err)
	}
	slug, err := c.CreateSlug(ctx, app, client.NewSlug{ProcessTypes: types})
	if err != nil {
		t.Fatal(err)
	}
	archive, err := testAppArchive(s.testapp)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Upload(ctx, slug.Blob.URL, bytes.NewReader(archive), int64(len(archive))); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateRelease(ctx, app, slug.ID, "Deploy"); err != nil {
		t.Fatal(err)
	}
}

// testAppArchive is a slug's tarball with the test app in bin/.
func testAppArchive(path string) ([]byte, error) {
	archives.Lock()
	defer archives.Unlock()
	if b := archives.made[path]; b != nil {
		return b, nil
	}
	program, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed) // a known level
	w := tar.NewWriter(z)
	if err := w.WriteHeader(&tar.Header{Name: "./app/bin/testapp", Mode: 0o755, Size: int64(len(program))}); err != nil {
		return nil, err
	}
	if _, err := w.Write(program); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	archives.made[path] = b.Bytes()
	return b.Bytes(), nil
}

var archives = struct {
	sync.Mutex
	made map[string][]byte
}{made: map[string][]byte{}}

// visit asks an app and returns its answer; an error tells of everything but 200.
func (s *server) visit(c *http.Client, app, path string) (string, error) {
	req, err := http.NewRequest(http.MethodGet, "http://127.0.0.1:"+s.httpPort+path, nil)
	if err != nil {
		return "", err
	}
	req.Host = app + ".localhost"
	resp, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %s: %.80s", resp.Status, body)
	}
	return string(body), err
}

// visitor keeps no connection, so that each request is routed on its own.
func visitor() *http.Client {
	return &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
}

// steady waits until an app has these dynos and no others, all up and of its current
// release, whose version it returns.
func (s *server) steady(t *testing.T, app string, names ...string) (version int) {
	t.Helper()
	c := s.client(t)
	eventually(t, app+" to be steady", func() (err error) {
		version, err = standing(t.Context(), c, app, names)
		return err
	})
	return version
}

// standing is the version of an app's current release, or why its dynos are not these.
func standing(ctx context.Context, c *client.Client, app string, names []string) (version int, err error) {
	releases, err := c.Releases(ctx, app, client.ListOptions{})
	if err != nil {
		return 0, err
	}
	for _, r := range releases {
		if r.Current {
			version = r.Version
		}
		if r.Status == "pending" {
			return 0, fmt.Errorf("v%d is pending", r.Version)
		}
	}
	dynos, err := c.Dynos(ctx, app)
	if err != nil {
		return 0, err
	}
	var have, want []string
	for _, d := range dynos {
		have = append(have, fmt.Sprintf("%s v%d %s", d.Name, d.Release.Version, d.State))
	}
	for _, name := range names {
		want = append(want, fmt.Sprintf("%s v%d up", name, version))
	}
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		return 0, fmt.Errorf("dynos are %q, should be %q", have, want)
	}
	return version, nil
}

// steadyCommand is the command steady NAME...: it waits until $APP has these dynos and no
// others, all up and of its current release. What an older one would say is past then.
func (s *server) steadyCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: steady NAME...")
	}
	c := client.New(ts.Getenv("HEROKU_HOST"), ts.Getenv("HEROKU_API_KEY"))
	deadline := time.Now().Add(patience)
	for tick := time.NewTicker(pace); ; <-tick.C {
		_, err := standing(context.Background(), c, ts.Getenv("APP"), args)
		if err == nil {
			tick.Stop()
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("not within %v: %v", patience, err)
		}
	}
}
