package control_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/secret"
	"github.com/kigo-dev/kigo/store"
	"github.com/kigo-dev/kigo/store/storetest"
)

// tests are all tests of this package: each runs on both databases, on a new platform.
var tests = []struct {
	name string
	run  func(*testing.T, *site)
}{
	{"a new app has two releases and its domain", testNewApp},
	{"app names are checked and taken once", testAppNames},
	{"of two creates of one name exactly one wins", testNameRace},
	{"a renamed app keeps its former name", testRename},
	{"a destroyed app is gone at once and its name is held", testDestroy},
	{"apps change maintenance and stack", testAppChanges},
	{"config changes make releases in Heroku's words", testConfig},
	{"bad config vars change nothing", testBadConfig},
	{"parallel config changes are all kept", testParallelConfig},
	{"a config change keeps the code", testConfigAfterDeploy},
	{"a first deploy scales web to one", testFirstDeploy},
	{"a buildpack's wishes count at the first release, and a detected one is remembered", testWhatABuildpackWants},
	{"code that was removed is neither rolled back to nor released", testRemovedCode},
	{"completing a build twice makes one release", testCompleteTwice},
	{"builds fail and are cancelled once", testBuildEnds},
	{"bad sources and buildpacks are refused", testBadBuilds},
	{"a later deploy follows the Procfile", testProcfileChanges},
	{"a release phase decides which release is current", testReleasePhase},
	{"a failed first release phase can be tried again", testReleaseRetry},
	{"an overtaken release phase does not roll back", testOvertaken},
	{"a config change during a release phase keeps the new code", testConfigDuringPhase},
	{"rollback copies code and config", testRollback},
	{"uploaded slugs are released when they are there", testSlugs},
	{"scaling follows Heroku's rules", testScale},
	{"scaling is all or nothing", testScaleAtomic},
	{"one-offs run on the current release", testRun},
	{"restart and stop mark dynos", testStop},
	{"who was let into a dyno may stay while token and permission last", testStay},
	{"a release that does not come up is taken back", testReject},
	{"a release on probation gives way to the last proven one, with its process types", testProbation},
	{"a command runs inside a dyno that is up", testInside},
	{"with preboot a restart replaces web dynos first", testPreboot},
	{"tokens authenticate until they expire or are revoked", testTokens},
	{"scopes limit what a token may do", testScopes},
	{"passwords log in", testPasswords},
	{"who knew a password that was reset takes nothing back", testResetWins},
	{"a login changes nothing but its time", testLoginTime},
	{"the operator is made once", testOperator},
	{"a set-up takes each step once, after a crash too", testSetups},
	{"what is wrong with app.json ends a set-up", testBadSetups},
	{"a release phase runs on rollbacks and promotions", testPhaseElsewhere},
	{"a patch of the stack releases the same code on another image", testPatch},
	{"container images are released by process type", testImages},
	{"features are a known table", testFeatures},
	{"domains are checked", testDomains},
	{"log drains are checked, counted and masked", testDrains},
	{"every change of an app has an event", testEvents},
	{"each change writes the line of Heroku's table", testLines},
}

func TestControl(t *testing.T) {
	storetest.Both(t, func(t *testing.T, open func(testing.TB) *store.Store) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				tt.run(t, newSite(t, open(t)))
			})
		}
	})
}

// site is a platform with an operator and what its log streams got.
type site struct {
	*control.Control
	t     *testing.T
	ctx   context.Context
	actor control.Actor
	token string

	mu    sync.Mutex
	lines []string
}

func newSite(t *testing.T, s *store.Store) *site {
	x := &site{t: t, ctx: t.Context(), token: secret.NewToken()}
	x.Control = &control.Control{Store: s, Logs: x, Domain: "localhost", Stacks: []string{"heroku-22", "heroku-24", kigo.StackContainer}, Passwords: secret.Passwords{Memory: 1024, Time: 1}}
	a := must(x.EnsureOperator(x.ctx, "op@example.com", x.token))(t)
	x.actor = control.Actor{ID: a.ID, Email: a.Email}
	return x
}

// Write keeps lines as the log shows them, without their time.
func (x *site) Write(_ kigo.AppID, lines ...kigo.LogLine) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, l := range lines {
		x.lines = append(x.lines, l.Source+"["+l.Process+"]: "+l.Message)
	}
}

// logged fails the test unless exactly these lines of app[api] came since the
// last call. "E" stands for the operator's address.
func (x *site) logged(want ...string) {
	x.t.Helper()
	x.mu.Lock()
	defer x.mu.Unlock()
	for i, w := range want {
		if strings.HasSuffix(w, "by user E") {
			w = strings.TrimSuffix(w, "E") + "op@example.com"
		}
		want[i] = "app[api]: " + w
	}
	same(x.t, "log", x.lines, want)
	x.lines = nil
}

func (x *site) forgetLog() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.lines = nil
}

// other is a second account.
func (x *site) other() control.Actor {
	a := kigo.Account{Email: "other@example.com"}
	err := x.Store.Update(x.ctx, func(tx *store.Tx) error { return tx.CreateAccount(&a) })
	if err != nil {
		x.t.Fatal(err)
	}
	return control.Actor{ID: a.ID, Email: a.Email}
}

// app makes an app with that name.
func (x *site) app(name string) kigo.App {
	x.t.Helper()
	app := must(x.CreateApp(x.ctx, x.actor, control.NewApp{Name: name}))(x.t)
	x.forgetLog()
	return app
}

const commit = "0123abcd456789ff"

// deploy builds and releases a slug with these process types.
func (x *site) deploy(app kigo.AppID, types map[string]string) kigo.Release {
	x.t.Helper()
	b := must(x.CreateBuild(x.ctx, x.actor, app, kigo.Source{Blob: "blob", Version: commit}, nil))(x.t)
	r := must(x.CompleteBuild(x.ctx, b.ID, slug(types)))(x.t)
	x.forgetLog()
	return r
}

func slug(types map[string]string) kigo.Slug {
	return kigo.Slug{Digest: "sha256:1", Size: 1000, ImageSize: 2000, BuildpackProvided: "Go", ProcessTypes: types}
}

var web = map[string]string{"web": "bin/web", "worker": "bin/worker"}

// read runs one question.
func read[T any](x *site, f func(*store.Tx) (T, error)) (v T) {
	x.t.Helper()
	err := x.Store.View(x.ctx, func(tx *store.Tx) (err error) {
		v, err = f(tx)
		return err
	})
	if err != nil {
		x.t.Fatal(err)
	}
	return v
}

func (x *site) current(app kigo.AppID) kigo.Release {
	x.t.Helper()
	return read(x, func(tx *store.Tx) (kigo.Release, error) { return tx.CurrentRelease(app) })
}

func (x *site) releases(app kigo.AppID) []kigo.Release {
	x.t.Helper()
	return read(x, func(tx *store.Tx) ([]kigo.Release, error) { return tx.Releases(app) })
}

// formation is the app's as "web=1:Basic worker=0:Basic".
func (x *site) formation(app kigo.AppID) string {
	x.t.Helper()
	var parts []string
	for _, f := range read(x, func(tx *store.Tx) ([]kigo.Formation, error) { return tx.Formations(app) }) {
		parts = append(parts, fmt.Sprintf("%s=%d:%s", f.Type, f.Quantity, f.Size))
	}
	return strings.Join(parts, " ")
}

// must returns a value, or ends the test with its error.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func same[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// refused fails the test unless err is a kigo.Error with that id, whose message
// contains the text.
func refused(t testing.TB, what string, err error, id, text string) {
	t.Helper()
	e, ok := kigo.AsError(err)
	if !ok || e.ID != id || !strings.Contains(e.Message, text) {
		t.Errorf("%s: got %v, want %s with %q", what, err, id, text)
	}
}

func ptr[T any](v T) *T { return &v }

func fails(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got error %v, want %v", what, err, want)
	}
}

func long(n int) string { return strings.Repeat("x", n) }
