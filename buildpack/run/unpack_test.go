package run_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
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

// sparse is a file of ten gigabytes of which nothing is stored, as GNU tar writes it.
func sparse(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	h := &tar.Header{Name: "s", Typeflag: tar.TypeReg, Mode: 0o644, Format: tar.FormatPAX, PAXRecords: map[string]string{"KIGO.x": "1"}}
	if err := w.WriteHeader(h); err != nil {
		t.Fatal(err)
	}
	w.Close()
	// Its record of an unknown kind becomes those of a sparse file, by hand.
	var records string
	for _, kv := range []string{"GNU.sparse.major=0", "GNU.sparse.minor=1", "GNU.sparse.name=s", "GNU.sparse.size=10737418240", "GNU.sparse.numblocks=1", "GNU.sparse.map=10737418240,0"} {
		n := len(kv) + 4
		records += fmt.Sprintf("%d %s\n", n, kv)
	}
	raw := b.Bytes()
	copy(raw[512:1024], make([]byte, 512))
	copy(raw[512:], records)
	copy(raw[124:136], fmt.Sprintf("%011o\x00", len(records)))
	copy(raw[148:156], "        ")
	sum := 0
	for _, c := range raw[:512] {
		sum += int(c)
	}
	copy(raw[148:156], fmt.Sprintf("%06o\x00 ", sum))
	return raw
}

// Entries that have been used against what unpacks archives: some are refused, some
// are harmless here. Whatever is outside of the folder stays as it is.
func TestTricksOfArchivesStayInside(t *testing.T) {
	reg := func(name string) member { return member{name: name, text: "evil", kind: tar.TypeReg} }
	link := func(name, to string) member { return member{name: name, link: to, kind: tar.TypeSymlink} }
	hard := func(name, to string) member { return member{name: name, link: to, kind: tar.TypeLink} }
	dir := func(name string) member { return member{name: name, kind: tar.TypeDir, mode: 0o755} }
	outside := t.TempDir()
	victim := filepath.Join(outside, "victim")
	if err := os.WriteFile(victim, []byte("good"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		b    []byte
		want string // of the error; "": it is unpacked
	}{
		{"a link, then a file of its name", tarOf(t, link("l", victim), reg("l")), ""},
		{"a file through a link to a folder", tarOf(t, link("d", outside), reg("d/victim")), "escapes"},
		{"a folder through a link", tarOf(t, link("d", outside), dir("d/new")), "escapes"},
		{"a link through a link", tarOf(t, link("d", outside), link("d/new", "x")), "escapes"},
		{"a hard link to the outside", tarOf(t, hard("h", victim)), `"h"`},
		{"a hard link through a link", tarOf(t, link("d", outside), hard("h", "d/victim"), reg("h")), `"h"`},
		{"a hard link to a link", tarOf(t, link("l", victim), hard("h", "l"), reg("h")), ""},
		{"a folder that becomes a link", tarOf(t, dir("d"), reg("d/a"), link("d", outside), reg("d/victim")), "escapes"},
		{"a link that becomes a folder", tarOf(t, link("d", outside), dir("d"), reg("d/victim")), "escapes"},
		{"the root as a link", tarOf(t, link(".", outside), reg("victim")), ""},
		{"by way of /proc", tarOf(t, link("p", "/proc/self/root"), reg("p"+victim)), "escapes"},
		{"an absolute path", tarOf(t, reg(victim)), ""},
		{"a block device and a pipe", tarOf(t, member{name: "b", kind: tar.TypeBlock}, member{name: "f", kind: tar.TypeFifo}), ""},
		{"setuid and setgid", tarOf(t, member{name: "s", kind: tar.TypeReg, mode: 0o6755}), ""},
		{"a line end in a name", tarOf(t, reg("two\nlines")), ""},
		{"a name of 300 bytes", tarOf(t, reg(strings.Repeat("n", 300))), "too long"},
		{"folders 3,000 deep", tarOf(t, reg(strings.Repeat("d/", 3000)+"f")), "too long"},
		{"a sparse file of 10 GB", sparse(t), "more than 1 MB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, err := untar(t, c.b, buildpack.Limits{Bytes: 1 << 20, Files: 5000})
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if text, err := os.ReadFile(victim); err != nil || string(text) != "good" {
				t.Errorf("the victim: %q, %v", text, err)
			}
			if entries, _ := os.ReadDir(outside); len(entries) != 1 {
				t.Errorf("outside: %v", entries)
			}
			err = filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
				if err != nil {
					return err
				}
				info, err := d.Info()
				if err == nil && info.Mode()&(os.ModeSetuid|os.ModeSetgid|os.ModeDevice|os.ModeNamedPipe) != 0 {
					t.Errorf("%s is %s", name, info.Mode())
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestArchiveBombsEndAtTheirLimit(t *testing.T) {
	var many, big bytes.Buffer
	gz := gzip.NewWriter(&many)
	w := tar.NewWriter(gz)
	for n := range 20_000 {
		if err := w.WriteHeader(&tar.Header{Name: strconv.Itoa(n), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	gz.Close()
	gz = gzip.NewWriter(&big)
	w = tar.NewWriter(gz)
	const size = 12 << 20
	for n := range 4 {
		if err := w.WriteHeader(&tar.Header{Name: strconv.Itoa(n), Typeflag: tar.TypeReg, Size: size}); err != nil {
			t.Fatal(err)
		}
		w.Write(make([]byte, size))
	}
	w.Close()
	gz.Close()
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"20,000 files":             {many.Bytes(), "more than 1000 files"},
		"48 MB of nothing":         {big.Bytes(), "more than 20 MB"},
		"gzip cut in the middle":   {many.Bytes()[:many.Len()/2], "more than 1000 files"},
		"gzip that is cut at once": {big.Bytes()[:30], "bad archive"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := untar(t, c.b, buildpack.Limits{Bytes: 20 << 20, Files: 1000}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
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
