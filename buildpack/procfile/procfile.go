// Package procfile is the built-in buildpack for apps that bring all they need:
// a Procfile, and programs or scripts that the stack can run.
package procfile

import (
	"context"
	"os"
	"path/filepath"

	"github.com/kigo-dev/kigo/buildpack"
)

// Buildpack is heroku/procfile.
var Buildpack = buildpack.Builtin{Name: "procfile", Language: "Procfile", Detect: detect, Compile: compile, Release: release}

func detect(dir string) bool {
	st, err := os.Stat(filepath.Join(dir, "Procfile"))
	return err == nil && st.Mode().IsRegular()
}

func compile(_ context.Context, b *buildpack.Build) error {
	b.Out.Line("Nothing to compile: the processes run as they are in the Procfile")
	return nil
}

func release(string) buildpack.Release { return buildpack.Release{} }
