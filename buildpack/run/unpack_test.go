package run_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo/buildpack"
	"github.com/kigo-dev/kigo/buildpack/run"
)

type member struct {
	name, link, text string
	kind             byte
	mode             int64
}

func tarOf(t testing.TB, members ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, m := range members {
		if m.mode == 0 {
			m.mode = 0o644
		}
		h := &tar.Header{Name: m.name, Linkname: m.link, Typeflag: m.kind, Mode: m.mode, Size: int64(len(m.text))}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		w.Write([]byte(m.text))
	}
	w.Close()
	return b.Bytes()
}

func untar(t testing.TB, b []byte, limits buildpack.Limits) (string, error) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "app")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	return dir, run.Untar(bytes.NewReader(b), root, limits)
}

func TestAnArchiveIsUnpackedWithModesAndLinks(t *testing.T) {
	plain := tarOf(t,
		member{name: "./", kind: tar.TypeDir, mode: 0o700}, member{name: "./bin/run", text: "#!", kind: tar.TypeReg, mode: 0o4755},
		member{name: "link", link: "bin/run", kind: tar.TypeSymlink}, member{name: "hard", link: "bin/run", kind: tar.TypeLink},
		member{name: "twice", text: "1", kind: tar.TypeReg}, member{name: "twice", text: "22", kind: tar.TypeReg},
		member{name: "dev", kind: tar.TypeChar}, member{name: "/abs", text: "x", kind: tar.TypeReg})
	var zipped bytes.Buffer
	gz := gzip.NewWriter(&zipped)
	gz.Write(plain)
	gz.Close()
	for _, b := range [][]byte{plain, zipped.Bytes()} {
		dir, err := untar(t, b, buildpack.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		st, err := os.Stat(dir + "/bin/run")
		if err != nil || st.Mode() != 0o755 {
			t.Errorf("bin/run: %v %v", st.Mode(), err)
		}
		if to, _ := os.Readlink(dir + "/link"); to != "bin/run" {
			t.Errorf("link: %q", to)
		}
		for name, want := range map[string]string{"hard": "#!", "twice": "22", "abs": "x"} {
			if text, _ := os.ReadFile(filepath.Join(dir, name)); string(text) != want {
				t.Errorf("%s: %q, want %q", name, text, want)
			}
		}
		if _, err := os.Lstat(dir + "/dev"); err == nil {
			t.Error("a device was made")
		}
	}
}

func TestHostileArchivesAreRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		b    []byte
		want string
	}{
		{"parent", tarOf(t, member{name: "../evil", text: "x", kind: tar.TypeReg}), "outside of the app's folder"},
		{"deep parent", tarOf(t, member{name: "a/../../evil", text: "x", kind: tar.TypeReg}), "outside of the app's folder"},
		{"through a link", tarOf(t, member{name: "d", link: "..", kind: tar.TypeSymlink}, member{name: "d/evil", text: "x", kind: tar.TypeReg}), `path escapes from parent`},
		{"hard link out", tarOf(t, member{name: "h", link: "../../etc/passwd", kind: tar.TypeLink}), `"h"`},
		{"too many", tarOf(t, member{name: "1", kind: tar.TypeReg}, member{name: "2", kind: tar.TypeReg}, member{name: "3", kind: tar.TypeReg}), "more than 2 files"},
		{"too large", tarOf(t, member{name: "1", text: strings.Repeat("x", 2<<20), kind: tar.TypeReg}), "more than 1 MB"},
		{"no archive", []byte("<html>not found</html>" + strings.Repeat(" ", 1024)), "bad archive"},
		{"cut short", tarOf(t, member{name: "1", text: "hello", kind: tar.TypeReg})[:514], "bad archive"},
		{"bad gzip", []byte{0x1f, 0x8b, 1, 2}, "bad archive"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, err := untar(t, c.b, buildpack.Limits{Bytes: 1 << 20, Files: 2})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if outside, _ := os.ReadDir(filepath.Dir(dir)); len(outside) != 1 {
				t.Errorf("something lies outside: %v", outside)
			}
		})
	}
}

func FuzzUntarStaysInside(f *testing.F) {
	f.Add(tarOf(f, member{name: "a/b", text: "x", kind: tar.TypeReg}, member{name: "l", link: "a", kind: tar.TypeSymlink}))
	f.Fuzz(func(t *testing.T, b []byte) {
		dir, _ := untar(t, b, buildpack.Limits{Bytes: 1 << 16, Files: 50})
		if outside, _ := os.ReadDir(filepath.Dir(dir)); len(outside) != 1 {
			t.Errorf("something lies outside: %v", outside)
		}
	})
}
