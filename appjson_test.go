package kigo_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kigo-dev/kigo"
)

const wholeAppJSON = "\ufeff" + `{
  "$schema": "x",
  "name": "Small Sharp Tool", "description": "does little", "keywords": ["a", "b"],
  "website": "https://example.com/", "repository": "https://example.com/tool", "logo": null, "success_url": "/welcome",
  "scripts": {"postdeploy": "bundle exec rake bootstrap", "pr-predestroy": {"command": "bin/gone", "size": "STANDARD-1X"}},
  "env": {
    "SECRET_TOKEN": {"description": "signs cookies", "generator": "secret"},
    "WEB_CONCURRENCY": {"value": 5},
    "EMPTY": "",
    "S3_BUCKET": {"required": "false"},
    "REGION": {}
  },
  "formation": {"web": {"quantity": 2, "size": "free"}, "worker": {"quantity": 0}},
  "healthchecks": {
    "web": {"readiness": "/ready", "liveness": {"path": "/alive?deep=1", "interval": 5, "timeout": "1500ms", "attempts": 4, "delay": "1m"}},
    "worker": [{"type": "startup", "name": "first", "path": "/up", "wait": 2}]
  },
  "image": "heroku/ruby", "stack": "heroku-22",
  "addons": ["openredis", {"plan": "mongolab:sandbox", "as": "MONGO", "options": {"version": 4}, "optional": true}],
  "buildpacks": [{"url": "heroku/nodejs"}, "https://example.com/x.git#v1"],
  "environments": {
    "review": {"env": {"REGION": "eu"}, "addons": [], "formation": {"web": {"quantity": 1}}, "environments": {"test": {}}},
    "test": {"scripts": {"test": "go test", "test-setup": "true"}}
  },
  "future": {"x": 1}
}`

func TestAppJSONIsReadWhole(t *testing.T) {
	got, err := kigo.ParseAppJSON([]byte(wholeAppJSON))
	if err != nil {
		t.Fatal(err)
	}
	want := kigo.AppJSON{
		Name: "Small Sharp Tool", Description: "does little", Keywords: []string{"a", "b"},
		Website: "https://example.com/", Repository: "https://example.com/tool", SuccessURL: "/welcome",
		Scripts: kigo.Scripts{Postdeploy: kigo.Script{Command: "bundle exec rake bootstrap"}, PRPredestroy: kigo.Script{Command: "bin/gone", Size: "Standard-1X"}},
		Env: map[string]kigo.EnvSpec{
			"SECRET_TOKEN":    {Description: "signs cookies", Required: true, Secret: true},
			"WEB_CONCURRENCY": {Value: "5", HasValue: true, Required: true},
			"EMPTY":           {HasValue: true, Required: true},
			"S3_BUCKET":       {},
			"REGION":          {Required: true},
		},
		Formation: map[string]kigo.FormationSpec{"web": {Quantity: 2, Size: "Eco"}, "worker": {}},
		HealthChecks: map[string]kigo.HealthChecks{
			"web": {
				Readiness: &kigo.HealthCheck{Path: "/ready"},
				Liveness:  &kigo.HealthCheck{Path: "/alive?deep=1", Interval: 5 * time.Second, Timeout: 1500 * time.Millisecond, Attempts: 4, Delay: time.Minute},
			},
			"worker": {Readiness: &kigo.HealthCheck{Path: "/up", Interval: 2 * time.Second}},
		},
		Image: "heroku/ruby", Stack: "heroku-22",
		Addons:     []kigo.AddonSpec{{Plan: "openredis"}, {Plan: "mongolab:sandbox", As: "MONGO", Options: map[string]string{"version": "4"}, Optional: true}},
		Buildpacks: []string{"heroku/nodejs", "https://example.com/x.git#v1"},
		Environments: map[string]kigo.AppJSON{
			"review": {Env: map[string]kigo.EnvSpec{"REGION": {Value: "eu", HasValue: true, Required: true}}, Formation: map[string]kigo.FormationSpec{"web": {Quantity: 1}}},
			"test":   {Scripts: kigo.Scripts{Test: kigo.Script{Command: "go test"}, TestSetup: kigo.Script{Command: "true"}}},
		},
		Unknown: []string{"environments.review.environments", "future"},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(kigo.AppJSON{})); diff != "" {
		t.Error(diff)
	}
	review := got.In("review")
	if review.Env["REGION"].Value != "eu" || review.Env["WEB_CONCURRENCY"].Value != "5" || len(review.Addons) != 0 || review.Formation["web"].Quantity != 1 || len(review.Buildpacks) != 2 {
		t.Errorf("review: %+v", review)
	}
	if _, changed := got.Env["REGION"]; !changed || got.Env["REGION"].HasValue {
		t.Error("In changed what it was called on")
	}
	if test := got.In("test"); test.Scripts.Test.Command != "go test" || test.Scripts.Postdeploy.Command == "" {
		t.Errorf("test: %+v", test.Scripts)
	}
	if other := got.In("production"); other.Env["REGION"].HasValue {
		t.Error("an environment that is not there changed something")
	}
}

func TestAppJSONOldFormation(t *testing.T) {
	got, err := kigo.ParseAppJSON([]byte(`{"formation": [{"process": "web", "quantity": 2, "size": "1X", "command": "x"}]}`))
	if diff := cmp.Diff(map[string]kigo.FormationSpec{"web": {Quantity: 2, Size: "Standard-1X"}}, got.Formation); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

func TestAppJSONErrorsNameMemberAndValue(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "app.json is empty: write {} if there is nothing to say",
		"\xff":                               "app.json is not a text file in UTF-8",
		"[1]":                                "app.json is a list: write an object, { … }",
		"{\n  \"name\": x}":                  "app.json is not valid JSON at line 2, column 11: invalid character 'x' looking for beginning of value",
		`{"name": "x"`:                       "app.json is not valid JSON: it ends too early (unexpected EOF)",
		`{} {}`:                              "app.json goes on after its end at line 1, column 4",
		`{"name": 5}`:                        `app.json: name is "5": write a text in quotes`,
		`{"keywords": "x"}`:                  `app.json: keywords is "x": write a list, [ … ]`,
		`{"website": "example.com"}`:         `app.json: website is "example.com": write an http or https URL`,
		`{"env": []}`:                        `app.json: env is a list: write an object, { … }`,
		`{"env": {"A-B": "x"}}`:              `app.json: env: "A-B" is not a config var name: use letters, digits and underscores, and do not start with a digit`,
		`{"env": {"A": {"value": []}}}`:      `app.json: env.A.value is a list: write a text in quotes`,
		`{"env": {"A": {"generator": "x"}}}`: `app.json: env.A.generator is "x": the one generator is "secret"`,
		`{"env": {"A": {"required": 1}}}`:    `app.json: env.A.required is "1": write true or false`,
		`{"env": {"A": "\u0000"}}`:           `app.json: env.A holds a NUL byte`,
		`{"formation": {"web": {"quantity": -1}}}`:                                                          `app.json: formation.web.quantity is "-1": write a whole number from 0 to 500`,
		`{"formation": {"web": {"quantity": 1.5}}}`:                                                         `app.json: formation.web.quantity is "1.5": write a whole number from 0 to 500`,
		`{"formation": {"we b": {"quantity": 1}}}`:                                                          `app.json: formation: "we b" is not a process type: use 1 to 63 letters, digits, dashes and underscores`,
		`{"formation": {"web": {"size": "huge"}}}`:                                                          `app.json: formation.web.size is "huge": sizes are Eco, Basic, Standard-1X, Standard-2X, Performance-M, Performance-L, Performance-L-RAM, Performance-XL, Performance-2XL`,
		`{"formation": [{"quantity": 1}]}`:                                                                  `app.json: formation: "" is not a process type: use 1 to 63 letters, digits, dashes and underscores`,
		`{"healthchecks": {"web": {"readiness": {}}}}`:                                                      `app.json: healthchecks.web.readiness has no path: write {"path": "/health"}`,
		`{"healthchecks": {"web": {"readiness": "health"}}}`:                                                `app.json: healthchecks.web.readiness is "health": write the path of a URL, such as /health`,
		`{"healthchecks": {"web": {"liveness": {"path": "/a b"}}}}`:                                         `app.json: healthchecks.web.liveness.path is "/a b": write the path of a URL, such as /health`,
		`{"healthchecks": {"web": {"liveness": {"path": "/", "interval": 0}}}}`:                             `app.json: healthchecks.web.liveness.interval is "0": write seconds from 1 to 600`,
		`{"healthchecks": {"web": {"liveness": {"path": "/", "timeout": "x"}}}}`:                            `app.json: healthchecks.web.liveness.timeout is "x": write seconds from 0.001 to 600`,
		`{"healthchecks": {"web": [{"type": "odd", "path": "/"}]}}`:                                         `app.json: healthchecks.web[0]: type is "odd": write "readiness" or "liveness"`,
		`{"healthchecks": {"web": [{"type": "liveness", "path": "/"}, {"type": "liveness", "path": "/"}]}}`: `app.json: healthchecks.web[1] is a second liveness check: a process type has one`,
		`{"addons": [{}]}`:                                      `app.json: addons[0] names no plan: write "service:plan", or {"plan": "service:plan"}`,
		`{"buildpacks": [{"url": 5}]}`:                          `app.json: buildpacks[0].url is "5": write a text in quotes`,
		`{"buildpacks": [{}]}`:                                  `app.json: buildpacks[0] names no buildpack: write {"url": "heroku/nodejs"}`,
		`{"environments": {"review": {"env": {"1": ""}}}}`:      `app.json: environments.review.env: "1" is not a config var name: use letters, digits and underscores, and do not start with a digit`,
		`{"name": "` + strings.Repeat("x", 301) + `"}`:          `app.json: name is too long: 301 bytes, the maximum is 300`,
		`{"keywords": [` + strings.Repeat(`"",`, 500) + `""]}`:  `app.json: keywords has 501 items, the maximum is 500`,
		`{"x": "` + strings.Repeat(" ", kigo.MaxAppJSON) + `"}`: `app.json is too large: 131081 bytes, the maximum is 131072`,
		`{"env": {"\u001b[31m": ""}}`:                           `app.json: env: "?[31m" is not a config var name: use letters, digits and underscores, and do not start with a digit`,
	} {
		_, err := kigo.ParseAppJSON([]byte(text))
		if err == nil || err.Error() != want {
			t.Errorf("%.60s\n got  %v\n want %s", text, err, want)
		}
	}
}

func FuzzAppJSON(f *testing.F) {
	f.Add([]byte(wholeAppJSON))
	f.Add([]byte(`{"formation": [{"process": "web"}], "environments": {"test": {"env": {}}}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := kigo.ParseAppJSON(b)
		if err != nil {
			if _, ok := kigo.AsError(err); !ok || strings.ContainsAny(err.Error(), "\x00\x1b\n") {
				t.Errorf("an error that nobody can read: %q", err)
			}
			return
		}
		for _, a := range []kigo.AppJSON{a, a.In("review"), a.In("test")} {
			for name, f := range a.Formation {
				if !kigo.ValidProcessType(name) || f.Quantity < 0 || f.Quantity > kigo.MaxQuantity {
					t.Errorf("formation %q: %+v", name, f)
				}
			}
			for name := range a.Env {
				if len(name) > kigo.MaxConfigName {
					t.Errorf("config var %q", name)
				}
			}
		}
	})
}
