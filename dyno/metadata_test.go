package dyno

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
)

func TestDynosAreToldWhatTheyAreWhenTheAppAsks(t *testing.T) {
	p := Plan{
		App:     kigo.App{ID: "app-id", Name: "myapp", UIDBase: 2_065_536},
		Dyno:    kigo.Dyno{ID: "11111111-2222-3333-4444-555555555555", Type: "web", Number: 1, Size: "Basic", Command: "./server"},
		Release: kigo.Release{Version: 42, CreatedAt: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)},
		Slug:    kigo.Slug{Digest: "sha256:aa", Commit: "2c3a0b24069af49b3de35b8e8c26765c1dba9ff0"},
		Config:  kigo.ConfigVars{"HEROKU_APP_NAME": "someone-else"},
	}
	for _, on := range []bool{false, true} {
		p.Metadata = on
		l, err := p.Launch()
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{
			"HEROKU_APP_ID=app-id", "HEROKU_APP_NAME=myapp", "HEROKU_DYNO_ID=11111111-2222-3333-4444-555555555555", "HEROKU_RELEASE_VERSION=v42",
			"HEROKU_RELEASE_CREATED_AT=2026-11-22T12:00:00Z", "HEROKU_SLUG_COMMIT=2c3a0b24069af49b3de35b8e8c26765c1dba9ff0",
			"HEROKU_SLUG_DESCRIPTION=Deploy 2c3a0b24", "HEROKU_BUILD_COMMIT=2c3a0b24069af49b3de35b8e8c26765c1dba9ff0",
		} {
			if slices.Contains(l.Env, want) != on {
				t.Errorf("asked for: %v; %s in %q", on, want, strings.Join(l.Env, " "))
			}
		}
	}
}
