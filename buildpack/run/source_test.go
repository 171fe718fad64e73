package run_test

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo/buildpack"
	"github.com/kigo-dev/kigo/buildpack/run"
)

// The shelf's tarballs serve as sources: they hold no folder around all the rest.
func TestASourceIsFetchedAndChecked(t *testing.T) {
	for _, c := range []struct{ name, path, checksum, want string }{
		{"as told", "/refuses.tgz", "", "No default language"},
		{"wrong checksum", "/refuses.tgz", "SHA256:" + strings.Repeat("0", 64), "not " + strings.Repeat("0", 64) + " as the build says"},
		{"missing", "/nothing.tgz", "", "the server answered 404 Not Found"},
		{"no archive", "/hello.git/HEAD", "", "The source is not a tar archive that can be used"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			job := buildpack.Job{
				Stack: "heroku-22", SourceURL: shelf.URL + c.path, Checksum: c.checksum,
				Layout: buildpack.Layout{Build: dir + "/b", Cache: dir + "/c", Env: dir + "/e", Packs: dir + "/p", Result: dir + "/r.json", Program: "/bin/false"},
			}
			var out bytes.Buffer
			if (&run.Runner{Job: job, Out: &out}).Run(context.Background()) || !strings.Contains(out.String(), c.want) {
				t.Errorf("no %q in:\n%s", c.want, out.String())
			}
			if left, _ := filepath.Glob(dir + "/p/source*"); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}
