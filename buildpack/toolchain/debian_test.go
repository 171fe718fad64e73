package toolchain

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const status = `Package: base
Status: install ok installed
Essential: yes
Depends: libone (>= 1), gone | libtwo:any

Package: libone
Status: install ok installed
Pre-Depends: virtual

Package: libtwo
Status: install ok installed

Package: real
Provides: virtual (= 2)
Status: install ok installed

Package: needed
Priority: required

Package: extra
Depends: base
Status: install ok installed
`

func TestAToolNeedsNoMoreThanEveryDebianHas(t *testing.T) {
	var names []string
	for line := range strings.Lines(minimalStatus(status)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "Package: "); ok {
			names = append(names, name)
		}
	}
	if d := cmp.Diff([]string{"base", "libone", "libtwo", "real", "needed"}, names); d != "" {
		t.Error(d)
	}
}

func TestLinksOfAToolStayInItAndEverythingIsReadable(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"usr/lib", "etc/secret"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(root, "etc/secret/x")
	for _, err := range []error{
		os.WriteFile(file, nil, 0o700), os.Chmod(file, 0o4700), os.Symlink("/etc/secret/x", filepath.Join(root, "usr/lib/inside")),
		os.Symlink("/etc/hostname", filepath.Join(root, "usr/lib/outside")), os.Chmod(filepath.Join(root, "etc/secret"), 0o700),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := relink(root); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"inside": "../../etc/secret/x", "outside": "/etc/hostname"} {
		if got, err := os.Readlink(filepath.Join(root, "usr/lib", name)); err != nil || got != want {
			t.Errorf("%s -> %s, %v; want %s", name, got, err, want)
		}
	}
	for name, want := range map[string]string{"etc/secret": "drwxr-xr-x", "etc/secret/x": "-rwxr-xr-x"} {
		if st, err := os.Stat(filepath.Join(root, name)); err != nil || st.Mode().String() != want {
			t.Errorf("%s: %v, %v; want %s", name, st.Mode(), err, want)
		}
	}
}
