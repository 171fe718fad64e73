package java

import (
	"cmp"
	"context"
	_ "embed"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kigo-dev/kigo/buildpack"
	"github.com/kigo-dev/kigo/buildpack/toolchain"
)

// needless are parts of a JDK that no dyno needs.
var needless = []string{"jmods", "man", "docs", "demo", "lib/src.zip"}

// installJDK puts the JDK that system.properties asks for into the app, as .jdk.
func (a *app) installJDK(ctx context.Context) error {
	want := property(a.Dir, "system.properties", "java.runtime.version")
	version := strings.TrimPrefix(cmp.Or(want, ""), "1.") // "1.8" is 8
	for _, vendor := range []string{"openjdk-", "zulu-"} {
		version = strings.TrimPrefix(version, vendor)
	}
	tool, err := toolchain.Pick(ctx, "jdk", version)
	if err != nil {
		return buildpack.Failf("No OpenJDK for java.runtime.version=%s of system.properties: %s\nAsk for one of those, or have the operator add yours to the mirror of toolchains.", want, err)
	}
	root, err := a.shelf.Need(ctx, tool, func() {})
	if err != nil {
		return buildpack.Failf("OpenJDK %s could not be fetched: %s", tool.Version, err)
	}
	if want == "" {
		a.Out.Warn("Using the default OpenJDK version, %s. To use a specific version, create a system.properties file with java.runtime.version=%s", tool.Version, tool.Version)
	}
	a.Out.Title("Installing OpenJDK %s... done", tool.Version)
	home := root
	if found, _ := filepath.Glob(filepath.Join(root, "usr/lib/jvm/java-*-openjdk-*/bin/javac")); len(found) > 0 { // the pattern is well-formed
		home = filepath.Dir(filepath.Dir(slices.Max(found)))
	}
	if err := os.RemoveAll(a.jdk); err != nil {
		return err
	}
	if err := copyHome(root, home, a.jdk); err != nil {
		return err
	}
	return trust(filepath.Join(a.jdk, "lib/security/cacerts"))
}

// copyHome copies a JDK with what its links lead to in the toolchain: Debian has its
// settings in /etc.
func copyHome(root, from, to string) error {
	err := filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if slices.Contains(needless, rel) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		switch {
		case d.IsDir():
			return os.MkdirAll(target, 0o755)
		case d.Type()&fs.ModeSymlink == 0:
			return buildpack.CopyFile(name, target)
		}
		end, err := filepath.EvalSymlinks(name)
		if err != nil {
			return nil //nolint:nilerr // a link that leads nowhere, such as to documentation
		}
		if st, err := os.Stat(end); err != nil || st.IsDir() || !strings.HasPrefix(end, root+"/") {
			return err
		}
		return buildpack.CopyFile(end, target)
	})
	if err != nil {
		return err
	}
	return copyLibraries(root, to)
}

// copyLibraries puts the libraries that Debian's JDK needs beside its own, where it
// looks first.
func copyLibraries(root, home string) error {
	found, _ := filepath.Glob(filepath.Join(root, "usr/lib/*-linux-gnu/lib*.so*")) // the pattern is well-formed
	for _, file := range found {
		if err := buildpack.CopyFile(file, filepath.Join(home, "lib", filepath.Base(file))); err != nil {
			return err
		}
	}
	return nil
}

//go:embed profile/jvmcommon.sh
var profile []byte

// profile has dynos and later buildpacks find Java, and sets its memory and the
// addresses of databases as heroku/jvm does.
func (a *app) profile(context.Context) error {
	dir := filepath.Join(a.Dir, ".profile.d")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "jvmcommon.sh"), profile, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(a.Pack, "export"), []byte("export JAVA_HOME="+a.jdk+"\nexport PATH="+a.jdk+"/bin:$PATH\n"), 0o644)
}
