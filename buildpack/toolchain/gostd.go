package toolchain

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kigo-dev/kigo/buildpack"
)

// compileGo compiles the standard library into dir, which is a GOCACHE then: what
// an app's first build would spend most of its time on. It needs that version of
// Go in the store.
func compileGo(ctx context.Context, version, dir string) (string, error) {
	root := filepath.Join(Platform(dir).Store, Tool{Kind: "go", Version: version}.Name())
	if !isDir(root) {
		return "", errors.New("there is no such Go in the store")
	}
	var said strings.Builder
	env := append(GoEnv(os.Environ(), root), "GOCACHE="+dir, "GOPATH="+filepath.Join(os.TempDir(), "go"))
	err := buildpack.Command{Args: []string{"go", "build", "std"}, Dir: os.TempDir(), Env: env, Out: &said}.Run(ctx)
	if err != nil {
		return "", errors.Join(err, errors.New(strings.TrimSpace(said.String())))
	}
	return "compiled here", nil
}

// GoEnv is the environment of the go command on all that decides whether a
// compiled package can be used again. -trimpath lets them be found although
// BUILD_DIR has another name in each build.
func GoEnv(env []string, root string) []string {
	env = slices.DeleteFunc(slices.Clone(env), func(kv string) bool {
		return strings.HasPrefix(kv, "GOFLAGS=") || strings.HasPrefix(kv, "GOTOOLCHAIN=")
	})
	return append(env,
		"GOROOT="+root, "PATH="+root+"/bin:"+buildpack.GetEnv(env, "PATH"), "GOTOOLCHAIN=local",
		"GOFLAGS=-trimpath -modcacherw", "GOENV=off", "GOTELEMETRY=off",
	)
}

// Compiled is the folder of Go's compiled standard library, if the store has it.
func (s Shelf) Compiled(version string) (string, bool) {
	dir := filepath.Join(s.Store, Tool{Kind: "gostd", Version: version}.Name())
	return dir, isDir(dir)
}
