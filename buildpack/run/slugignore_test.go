package run_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/kigo-dev/kigo/buildpack/run"
)

func TestSlugIgnoreMatchesAsAShellDoes(t *testing.T) {
	tree := fstest.MapFS{}
	for _, name := range []string{"a.md", "b.txt", "docs/a.md", "docs/img/x.psd", "test/unit/a_test.rb", "vendor/test/keep.rb", ".env", ".ci/run.md", "tmp/cache/x"} {
		tree[name] = &fstest.MapFile{}
	}
	for _, c := range []struct{ text, want string }{
		{"*.md", "a.md docs/a.md"},
		{"*.psd # images\n\n   \n#all", "docs/img/x.psd"},
		{"/docs", "docs"},
		{"docs/", "docs"},
		{"docs/*.md", "docs/a.md"},
		{"test", "test vendor/test"},
		{"/test", "test"},
		{"docs/**/*.psd", "docs/img/x.psd"},
		{"tmp/*", "tmp/cache"},
		{"*", "a.md b.txt docs test tmp vendor"},
		{".env", ".env"},
		{"!a.md\n../etc\n/..\n[", ""},
		{"docs/**", "docs/a.md docs/img"},
	} {
		got, err := run.Ignored(tree, run.ParseSlugIgnore([]byte(c.text)))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(c.want, strings.Join(got, " ")); d != "" {
			t.Errorf("%q: %s", c.text, d)
		}
	}
}

func FuzzSlugIgnore(f *testing.F) {
	tree := fstest.MapFS{"a/b/c.md": {}, ".x/y": {}, "d": {}}
	f.Add("*.md\n/a/**/c*\n")
	f.Add("**/**/**/**/**/**/**/**/x")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := run.Ignored(tree, run.ParseSlugIgnore([]byte(text)))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range got {
			if _, err := tree.Stat(name); err != nil || name == "." {
				t.Errorf("%q matched %q, which is not in the app", text, name)
			}
		}
	})
}
