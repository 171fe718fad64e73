package buildpack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"gopkg.in/yaml.v3"
)

// Builtin is a buildpack written in Go.
type Builtin struct {
	Name     string // "go" of heroku/go
	Language string // what detect prints, such as "Node.js"
	Detect   func(buildDir string) bool
	Compile  func(context.Context, *Build) error
	Release  func(buildDir string) Release
}

// Build is what bin/compile was given.
type Build struct {
	Dir, Cache string                   // BUILD_DIR, CACHE_DIR
	Pack       string                   // the buildpack's own folder, where it may leave a file named export
	EnvDir     string                   // one file per config var
	Config     func(name string) string // of one of them, "" when unset
	Out        Output
}

// Release is what bin/release prints as YAML.
type Release struct {
	Addons       []string          `yaml:"addons,omitempty"`
	ConfigVars   map[string]string `yaml:"config_vars,omitempty"`
	ProcessTypes map[string]string `yaml:"default_process_types,omitempty"`
}

// Failure is an error whose text is written for the user, as a whole. A
// buildpack that fails with one has nothing to add.
type Failure struct{ Text string }

func (f *Failure) Error() string { return f.Text }

// Failf returns a Failure.
func Failf(format string, args ...any) error { return &Failure{fmt.Sprintf(format, args...)} }

// Main is bin/detect, bin/compile or bin/release of this buildpack, by the name
// in step. It returns the exit status.
func (b Builtin) Main(ctx context.Context, step string, args []string, stdout, stderr io.Writer) int {
	if err := b.main(ctx, step, args, stdout); err != nil {
		out := Output{stderr}
		if f := (*Failure)(nil); errors.As(err, &f) {
			out.Plain("")
			out.Warn("%s", f.Text)
		} else if !errors.Is(err, errNo) {
			out.Plain("")
			out.Warn("%s", err)
		}
		return 1
	}
	return 0
}

var errNo = errors.New("not my kind of app")

func (b Builtin) main(ctx context.Context, step string, args []string, stdout io.Writer) error {
	need := map[string]int{"detect": 1, "compile": 3, "release": 1}[step]
	if need == 0 || len(args) < need {
		return fmt.Errorf("usage: bin/detect BUILD_DIR, bin/compile BUILD_DIR CACHE_DIR ENV_DIR or bin/release BUILD_DIR; got bin/%s with %d arguments", step, len(args))
	}
	switch step {
	case "detect":
		if !b.Detect(args[0]) {
			return errNo
		}
		_, err := fmt.Fprintln(stdout, b.Language)
		return err
	case "compile":
		pack, err := os.Getwd()
		if err != nil {
			return fmt.Errorf("find own folder: %w", err)
		}
		return b.Compile(ctx, &Build{Dir: args[0], Cache: args[1], Pack: pack, EnvDir: args[2], Config: EnvDir(args[2]), Out: Output{stdout}})
	default:
		y, err := yaml.Marshal(b.Release(args[0]))
		if err != nil {
			return fmt.Errorf("write release: %w", err)
		}
		_, err = stdout.Write(append([]byte("---\n"), y...))
		return err
	}
}

// EnvDir reads config vars from the files of ENV_DIR.
func EnvDir(dir string) func(string) string {
	return func(name string) string {
		if name == "" || strings.ContainsAny(name, "/\x00") {
			return ""
		}
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return ""
		}
		return string(b)
	}
}

// ConfigEnv is every config var of ENV_DIR as "NAME=value" but those which
// Heroku's own buildpacks never export.
func ConfigEnv(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	get := EnvDir(dir)
	var env []string
	for _, e := range entries {
		switch e.Name() {
		case "PATH", "GIT_DIR", "CPATH", "CPPATH", "LD_PRELOAD", "LIBRARY_PATH", "LD_LIBRARY_PATH", "JAVA_OPTS", "JAVA_TOOL_OPTIONS":
			continue
		}
		env = append(env, e.Name()+"="+get(e.Name()))
	}
	return env
}
