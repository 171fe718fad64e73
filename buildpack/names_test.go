package buildpack_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kigo-dev/kigo/buildpack"
)

func TestBuildpacksAreNamedInManyWays(t *testing.T) {
	for in, want := range map[string]buildpack.Ref{
		"heroku/go":                        {Name: "heroku/go", Builtin: "go"},
		"urn:buildpack:heroku/nodejs":      {Name: "heroku/nodejs", Builtin: "nodejs"},
		"heroku-community/static":          {Name: "heroku-community/static", Builtin: "static"},
		" heroku/procfile ":                {Name: "heroku/procfile", Builtin: "procfile"},
		"https://example.com/a/b.git#v1":   {Name: "https://example.com/a/b.git#v1", Git: "https://example.com/a/b.git", Version: "v1"},
		"https://example.com/a/b":          {Name: "https://example.com/a/b", Git: "https://example.com/a/b"},
		"https://example.com/a.tgz":        {Name: "https://example.com/a.tgz", Tarball: "https://example.com/a.tgz"},
		"https://example.com/a.tar.gz?x=1": {Name: "https://example.com/a.tar.gz?x=1", Tarball: "https://example.com/a.tar.gz?x=1"},
		"https://buildpack-registry.s3.amazonaws.com/buildpacks/heroku/go.tgz": {Name: "heroku/go", Builtin: "go"},
	} {
		got, err := buildpack.ParseRef(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", in, d)
		}
	}
}

func TestBuildpacksThatAreNoneAreRefusedWithTheNamesThatExist(t *testing.T) {
	for _, in := range []string{"", "heroku/clojure", "go", "file:///etc", "http://example.com/a", "git://example.com/a", "ssh://git@example.com/a",
		"ext::sh -c id://x", "https://", "https://example.com/a#-x", "https://example.com/a#a b", "git@example.com:a/b.git"} {
		ref, err := buildpack.ParseRef(in)
		if err == nil {
			t.Errorf("%q: %+v", in, ref)
			continue
		}
		if !strings.Contains(in, "://") && !strings.Contains(err.Error(), buildpack.Known()) {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestTheOperatorsListSaysWhichBuildpacksAppsMayUse(t *testing.T) {
	list := []string{"heroku/*", "https://git.example.com/*/buildpacks/*.git", "me/exact"}
	for name, want := range map[string]bool{
		"heroku/go": true, "me/exact": true, "me/exactly": false, "other/go": false, "https://git.example.com/a/buildpacks/b.git": true,
		"https://git.example.com/a/b.git": false, "https://evil.example.com/heroku/go": false, "https://git.example.com/buildpacks/.git": false,
	} {
		if got := buildpack.Allowed(name, list); got != want {
			t.Errorf("%s: %t", name, got)
		}
	}
	if !buildpack.Allowed("anything", nil) {
		t.Error("without a list something is refused")
	}
}

func TestAnOperatorsOwnBuildpackHasAnOwnerAndAName(t *testing.T) {
	for in, want := range map[string]string{
		"heroku/ruby": "heroku/ruby", "urn:buildpack:me/x": "me/x", "https://buildpack-registry.s3.amazonaws.com/buildpacks/heroku/go.tgz": "heroku/go",
		"../x": "", "a/../b": "", "a/b/c": "", "https://example.com/a": "", "go": "", "a/.b": "",
	} {
		if got := buildpack.OwnName(in); got != want {
			t.Errorf("%s: %q", in, got)
		}
	}
}
