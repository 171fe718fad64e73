// Package static is the built-in buildpack for sites of files, and the server
// that serves them in dynos. It reads static.json as Heroku's buildpack of that
// name does; the server is this program itself, copied into the slug.
//
// Start reading at Buildpack for the build and at Handler for the server.
package static

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/kigo-dev/kigo/buildpack"
)

// Buildpack is heroku/static.
var Buildpack = buildpack.Builtin{Name: "static", Language: "Static HTML", Detect: detect, Compile: compile, Release: release}

// Server is where the file server lies in a slug, and Boot the name by which
// Procfiles written for Heroku's buildpack call it.
const (
	Server = ".heroku/static/kigo-static"
	Boot   = "bin/boot"
)

func detect(dir string) bool {
	for _, name := range []string{"static.json", "index.html", "public_html/index.html"} {
		if st, err := os.Stat(filepath.Join(dir, name)); err == nil && st.Mode().IsRegular() {
			return true
		}
	}
	return false
}

func release(string) buildpack.Release {
	return buildpack.Release{ProcessTypes: map[string]string{"web": Server}}
}

func compile(_ context.Context, b *buildpack.Build) error {
	c, err := ReadConfig(b.Dir)
	if err != nil {
		return buildpack.Failf("%s", err)
	}
	root := filepath.Join(b.Dir, filepath.FromSlash(c.Root))
	if st, err := os.Stat(root); err != nil || !st.IsDir() {
		b.Out.Warn("There is no folder %q to serve yet: an earlier buildpack or a release step has to make it.", c.Root)
	}
	b.Out.Line("Serving %s", c.Root)
	for _, name := range c.unsupported {
		b.Out.Warn("static.json: %s is not supported and has no effect.", name)
	}
	return install(b.Dir)
}

// install copies this program into the slug.
func install(dir string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	in, err := os.Open(self)
	if err != nil {
		return err
	}
	defer in.Close()
	to := filepath.Join(dir, filepath.FromSlash(Server))
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, "bin"), 0o755); err != nil {
		return err
	}
	err = os.Symlink("../"+Server, filepath.Join(dir, filepath.FromSlash(Boot)))
	if os.IsExist(err) {
		return nil
	}
	return err
}

// Names are the names by which the program is the file server.
var names = []string{filepath.Base(Server), filepath.Base(Boot)}

// IsServer reports whether the program was called as the file server.
func IsServer(argv0 string) bool { return slices.Contains(names, filepath.Base(argv0)) }
