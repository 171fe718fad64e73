// Package inline is the built-in buildpack for apps that are their own buildpack:
// they bring bin/detect, bin/compile and, if they like, bin/release.
package inline

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/kigo-dev/kigo/buildpack"
)

// Buildpack is heroku/inline.
var Buildpack = buildpack.Builtin{Name: "inline", Language: "Inline", Detect: detect, Compile: compile, Release: release}

// program is one of the app's own steps, or "".
func program(dir, step string) string {
	name := filepath.Join(dir, "bin", step)
	if st, err := os.Stat(name); err != nil || !st.Mode().IsRegular() || st.Mode()&0o111 == 0 {
		return ""
	}
	return name
}

func detect(dir string) bool {
	own := program(dir, "detect")
	if own == "" || program(dir, "compile") == "" {
		return false
	}
	_, err := buildpack.Command{Args: []string{own, dir}, Dir: dir, Env: os.Environ()}.Output(context.Background())
	return err == nil
}

func compile(ctx context.Context, b *buildpack.Build) error {
	cmd := buildpack.Command{Args: []string{program(b.Dir, "compile"), b.Dir, b.Cache, b.EnvDir}, Dir: b.Dir, Env: os.Environ(), Out: b.Out.W}
	if err := cmd.Run(ctx); err != nil {
		return buildpack.Failf("The app's own bin/compile failed: %s", err)
	}
	return nil
}

// release is what the app's own program prints; what is not YAML counts as nothing.
func release(dir string) (r buildpack.Release) {
	own := program(dir, "release")
	if own == "" {
		return r
	}
	text, err := buildpack.Command{Args: []string{own, dir}, Dir: dir, Env: os.Environ()}.Output(context.Background())
	if err != nil || yaml.Unmarshal([]byte(strings.TrimPrefix(text, "---")), &r) != nil {
		return buildpack.Release{}
	}
	return r
}
