package golang

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kigo-dev/kigo/buildpack"
)

// install compiles the packages of the app into bin/.
func (a *app) install(ctx context.Context) error {
	flags := []string{"-v", "-tags", "heroku"}
	if isDir(filepath.Join(a.Dir, "vendor")) {
		flags = append(flags, "-mod=vendor")
	}
	if sym := a.Config("GO_LINKER_SYMBOL"); sym != "" {
		value := a.Config("GO_LINKER_VALUE")
		if value == "" {
			value = os.Getenv("SOURCE_VERSION")
		}
		flags = append(flags, "-ldflags", "-X "+sym+"="+value)
	}
	packages, err := a.packages(ctx, flags[1:])
	if err != nil {
		return err
	}
	a.Out.Title("")
	a.Out.Title("Running: go install %s %s", strings.Join(flags, " "), strings.Join(packages, " "))
	out := a.Out.Indent()
	args := slices.Concat([]string{"go", "install"}, flags, packages)
	err = buildpack.Command{Args: args, Dir: a.Dir, Env: a.env, Out: out}.Run(ctx)
	out.Close() //nolint:errcheck // nobody is left to tell
	if err != nil {
		return buildpack.Failf("go install failed: the messages above say where.")
	}
	a.Out.Line("")
	a.Out.Line("Installed the following binaries:")
	for _, name := range a.installed() {
		a.Out.Line("\t./bin/%s", name)
	}
	return nil
}

// packages are those to install, by config var, by comment in go.mod, or all
// main packages.
func (a *app) packages(ctx context.Context, flags []string) ([]string, error) {
	if spec := strings.Fields(a.Config("GO_INSTALL_PACKAGE_SPEC")); len(spec) > 0 {
		a.Out.Title("Using $GO_INSTALL_PACKAGE_SPEC: %s", strings.Join(spec, " "))
		return spec, flagless(spec)
	}
	if len(a.mod.Install) > 0 {
		return a.mod.Install, flagless(a.mod.Install)
	}
	a.Out.Title("Determining packages to install")
	var said strings.Builder
	args := slices.Concat([]string{"go", "list", "-find", "-f", `{{if eq .Name "main"}}{{.ImportPath}}{{end}}`}, flags, []string{"./..."})
	out := &listing{Builder: &said}
	err := buildpack.Command{Args: args, Dir: a.Dir, Env: a.env, Out: out}.Run(ctx)
	if err != nil {
		a.Out.Line("%s", strings.TrimSpace(said.String()))
		return nil, buildpack.Failf("go list failed: the messages above say why.")
	}
	var mains []string
	for line := range strings.Lines(said.String()) {
		if line = strings.TrimSpace(line); line == a.mod.Path || strings.HasPrefix(line, a.mod.Path+"/") {
			mains = append(mains, line)
		}
	}
	if len(mains) == 0 {
		return nil, buildpack.Failf("There is no main package in this module: nothing to run.")
	}
	a.Out.Line("")
	a.Out.Line("Detected the following main packages to install:")
	for _, m := range mains {
		a.Out.Line("\t%s", m)
	}
	return mains, nil
}

// flagless refuses package specs that the go command would take for flags.
func flagless(spec []string) error {
	for _, s := range spec {
		if strings.HasPrefix(s, "-") {
			return buildpack.Failf("%q is not a package: flags belong into the config var GOFLAGS.", s)
		}
	}
	return nil
}

// listing keeps at most a megabyte of a command's output.
type listing struct{ *strings.Builder }

func (l *listing) Write(p []byte) (int, error) {
	if l.Len() < 1<<20 {
		l.Builder.Write(p)
	}
	return len(p), nil
}

// programs are the files in bin/.
func programs(dir string) (names []string) {
	entries, _ := os.ReadDir(filepath.Join(dir, "bin")) // none is as good as no folder
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names
}

// installed are the files in bin/ that the app did not bring itself.
func (a *app) installed() []string {
	return slices.DeleteFunc(programs(a.Dir), func(name string) bool { return slices.Contains(a.had, name) })
}

// profile puts bin/ into the PATH of dynos, and hands Go on to later buildpacks.
func (a *app) profile(context.Context) error {
	dir := filepath.Join(a.Dir, ".profile.d")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "go.sh"), []byte("PATH=$PATH:$HOME/bin\n"), 0o644); err != nil {
		return err
	}
	export := "export GOROOT=" + a.root + "\nexport PATH=" + a.root + "/bin:$PATH\n" +
		"export GOPATH=" + filepath.Join(a.Cache, "go-path") + "\n"
	return os.WriteFile(filepath.Join(a.Pack, "export"), []byte(export), 0o644)
}

// procfile is written when the app has none: a web process if there is only one
// binary or one that is named like the module.
func (a *app) procfile(context.Context) error {
	file := filepath.Join(a.Dir, "Procfile")
	if _, err := os.Lstat(file); err == nil {
		return nil
	}
	name := filepath.Base(a.mod.Path)
	bins := a.installed()
	if len(bins) == 0 {
		return nil
	}
	if !slices.Contains(bins, name) {
		name = bins[0]
	}
	text := "web: bin/" + name + "\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return err
	}
	a.Out.Title("Created a Procfile with the following entries:")
	a.Out.Line("\t%s", strings.TrimSpace(text))
	a.Out.Line("")
	a.Out.Line("If these entries look incomplete or incorrect please create a Procfile with the required entries.")
	a.Out.Line("See https://devcenter.heroku.com/articles/procfile for more details about Procfiles")
	return nil
}

func isDir(p string) bool {
	st, err := os.Stat(p)
	return err == nil && st.IsDir()
}
