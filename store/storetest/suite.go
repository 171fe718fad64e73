package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

// Run is the suite: what every database must do behind a store. open gives an
// empty store each time.
func Run(t *testing.T, open func(t testing.TB) *store.Store) {
	for _, c := range []struct {
		name string
		test func(*testing.T, *fixture)
	}{
		{"accounts are found by id and address", testAccounts},
		{"authorizations are found by their token until it is replaced", testAuthorizations},
		{"letters wait until they are sent", testLetters},
		{"letters of a kind take turns", testLetterTurns},
		{"apps keep every field", testApps},
		{"uid ranges are never given twice", testUIDs},
		{"former names lead to apps that live", testFormerNames},
		{"buildpacks keep their order", testBuildpacks},
		{"features are set and read", testFeatures},
		{"domains belong to one app", testDomains},
		{"slugs keep their process types", testSlugs},
		{"releases are numbered and one is current", testReleases},
		{"images stay that apps may go back to", testBasesInUse},
		{"config vars survive byte for byte", testConfig},
		{"builds keep every field", testBuilds},
		{"formations are put and deleted", testFormations},
		{"dynos keep what they shall be and what they are", testDynos},
		{"usage stays with who owned the app then", testUsage},
		{"deleting an app deletes all that is its own", testDeleteApp},
		{"what does not exist is not found, in Heroku's words", testNotFound},
		{"text that no database holds is not found, and not kept by PostgreSQL", testBadText},
		{"a failed update changes nothing", testRollback},
		{"a view cannot write", testReadOnly},
		{"a view sees one moment", testSnapshot},
		{"of two creates of one name exactly one wins", testRace},
		{"parallel read-modify-write loses nothing", testLostUpdate},
		{"revisions have no gaps under parallel writers", testRevisions},
		{"follow tells each event once, in order", testFollow},
		{"secrets are not readable in the columns", testSealed},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, newFixture(t, open(t)))
		})
	}
}

// fixture is a store with an account and an app in it.
type fixture struct {
	*store.Store
	account kigo.Account
	app     kigo.App
}

func newFixture(t testing.TB, s *store.Store) *fixture {
	f := &fixture{Store: s}
	f.update(t, func(tx *store.Tx) error {
		f.account = kigo.Account{Email: "ada@example.com", Name: "Ada"}
		if err := tx.CreateAccount(&f.account); err != nil {
			return err
		}
		f.app = f.newApp("quiet-harbor")
		return tx.CreateApp(&f.app)
	})
	return f
}

func (f *fixture) newApp(name string) kigo.App {
	return kigo.App{Name: name, Owner: f.account.ID, Stack: "heroku-22", BuildStack: "heroku-22", Region: "us"}
}

func (f *fixture) update(t testing.TB, g func(*store.Tx) error) {
	t.Helper()
	if err := f.Update(context.Background(), g); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) view(t testing.TB, g func(*store.Tx) error) {
	t.Helper()
	if err := f.View(context.Background(), g); err != nil {
		t.Fatal(err)
	}
}

// release adds a release of the fixture's app.
func (f *fixture) release(tx *store.Tx, vars kigo.ConfigVars) (kigo.Release, error) {
	r := kigo.Release{App: f.app.ID, Stack: "heroku-22", Description: "Deploy 0123abcd", User: f.account.ID,
		UserEmail: f.account.Email, Status: kigo.ReleaseSucceeded}
	err := tx.CreateRelease(&r, vars)
	return r, err
}

// get reads one value and fails the test when it cannot.
func get[T any](t testing.TB, f *fixture, read func(*store.Tx) (T, error)) T {
	t.Helper()
	var v T
	f.view(t, func(tx *store.Tx) (err error) {
		v, err = read(tx)
		return err
	})
	return v
}

// same fails the test when two values differ.
func same[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// fails fails the test unless err is the kind that is wanted.
func fails(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got error %v, want %v", what, err, want)
	}
}

// moment is a time as the database keeps it.
var moment = time.Date(2026, 11, 22, 16, 30, 0, 123456000, time.UTC)
