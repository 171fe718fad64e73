// Command kigo-buildpack is what runs inside a build's sandbox: the runner
// ("kigo-buildpack run"), the built-in buildpacks under names such as
// heroku/go/bin/compile, the fetcher of toolchains, and the file server of the
// static buildpack under the name kigo-static. It is static and needs nothing
// from the stack but what compilers need.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/kigo-dev/kigo/buildpack"
	"github.com/kigo-dev/kigo/buildpack/apt"
	"github.com/kigo-dev/kigo/buildpack/golang"
	"github.com/kigo-dev/kigo/buildpack/inline"
	"github.com/kigo-dev/kigo/buildpack/java"
	"github.com/kigo-dev/kigo/buildpack/nodejs"
	"github.com/kigo-dev/kigo/buildpack/php"
	"github.com/kigo-dev/kigo/buildpack/procfile"
	"github.com/kigo-dev/kigo/buildpack/python"
	"github.com/kigo-dev/kigo/buildpack/ruby"
	"github.com/kigo-dev/kigo/buildpack/run"
	"github.com/kigo-dev/kigo/buildpack/static"
	"github.com/kigo-dev/kigo/buildpack/toolchain"
)

var builtins = []buildpack.Builtin{
	ruby.Buildpack, nodejs.Buildpack, python.Buildpack, java.Maven, java.Gradle, php.Buildpack, golang.Buildpack, static.Buildpack, procfile.Buildpack, apt.Buildpack, inline.Buildpack,
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(dispatch(ctx, os.Args))
}

// dispatch looks at how the program was called.
func dispatch(ctx context.Context, argv []string) int {
	if static.IsServer(argv[0]) {
		return static.Main(ctx, os.Stderr)
	}
	switch step := filepath.Base(argv[0]); step {
	case "detect", "compile", "release":
		name := filepath.Base(filepath.Dir(filepath.Dir(argv[0])))
		for _, b := range builtins {
			if b.Name == name {
				return b.Main(ctx, step, argv[1:], os.Stdout, os.Stderr)
			}
		}
		fmt.Fprintf(os.Stderr, " !     There is no built-in buildpack %q.\n", name)
		return 1
	}
	if len(argv) < 2 {
		argv = append(argv, "help")
	}
	switch argv[1] {
	case "run":
		return run.Main(ctx, argv[2:], os.Stdout)
	case "container":
		return run.ContainerMain(ctx, argv[2:], os.Stdout)
	case "manifest":
		return run.ManifestMain(ctx, argv[2:], os.Stdout)
	case "fetch":
		return toolchain.Main(ctx, argv[2:], os.Stdout)
	default:
		fmt.Fprintln(os.Stderr, "usage: kigo-buildpack run JOB | container JOB | manifest JOB | fetch TOOL DIR")
		return 2
	}
}
