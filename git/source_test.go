package git

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheSourceHoldsTheCommit(t *testing.T) {
	s := newSite(t)
	w := s.work("myapp")
	w.write("bin/run", "#!/bin/sh\n")
	if err := os.Chmod(filepath.Join(w.dir, "bin/run"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../../etc/passwd", filepath.Join(w.dir, "link")); err != nil {
		t.Fatal(err)
	}
	w.write("großer name\twith tab", "x")
	w.write("big.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 12\n")
	w.write(".gitattributes", "secret export-ignore\n")
	w.write("secret", "kept all the same")
	w.write("empty", "")
	w.must("add", "-A")
	w.must("update-index", "--add", "--cacheinfo", "160000,"+strings.Repeat("1", 40)+",vendor/module")
	w.must("commit", "-q", "-m", "first\n\nbody")
	out := w.must("push", "heroku", "main")
	for _, want := range []string{
		`remote:  !     Warning: "big.bin" is a Git LFS pointer; the file that it stands for is not fetched.`,
		`remote:  !     Have the build fetch them, or keep the files in git itself: git lfs migrate export --include='*'`,
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing:\n%s", want, out)
		}
	}
	got := readBlob(t, s, s.sources[0].Blob)
	want := map[string]string{
		".gitattributes": "0644 secret export-ignore\n", "big.bin": "0644 version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 12\n",
		"bin/run": "0755 #!/bin/sh\n", "empty": "0644 ", "großer name\twith tab": "0644 x", "link": "-> ../../etc/passwd",
		"secret": "0644 kept all the same", "vendor/module/": "dir " + strings.Repeat("1", 40),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestManyPointersAreCountedAndTheFirstIsNamed(t *testing.T) {
	const want = ` !     Warning: 2 files are Git LFS pointers, "a\nb" the first; the files that they stand for are not fetched.`
	if got := (&archive{pointers: []string{"a\nb", "c"}}).warnings(); len(got) != 2 || got[0] != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func readBlob(t testing.TB, s *site, key string) map[string]string {
	t.Helper()
	f, err := s.git.Blobs.Open(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got := map[string]string{}
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return got
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		switch h.Typeflag {
		case tar.TypeSymlink:
			got[h.Name] = "-> " + h.Linkname
		case tar.TypeDir:
			got[h.Name] = strings.TrimSpace("dir " + h.PAXRecords["KIGO.submodule"])
		default:
			got[h.Name] = fmt.Sprintf("%04o %s", h.Mode, content)
		}
	}
}
