package image

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAnArchiveHasWhatTheImageHas(t *testing.T) {
	dir := t.TempDir()
	for _, err := range []error{
		os.Chmod(dir, 0o755), os.Mkdir(filepath.Join(dir, "d"), 0o750), os.WriteFile(filepath.Join(dir, "d", "f"), []byte("text"), 0o644),
		os.Symlink("d/f", filepath.Join(dir, "link")), os.WriteFile(filepath.Join(dir, "x"), nil, 0o644), os.Chmod(filepath.Join(dir, "x"), 0o755),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	name, _ := write(t, dir, Options{Owner: &Owner{7, 70_000}})
	for _, c := range []struct {
		prefix string
		owner  *Owner
		want   []string
	}{
		{"", nil, []string{"d/ 5 750 7:70000 ", "d/f 0 644 7:70000 text", "link 2 777 7:70000 d/f", "x 0 755 7:70000 "}},
		{"./app/", &Owner{1000, 1001}, []string{
			"./app/ 5 755 1000:1001 ", "./app/d/ 5 750 1000:1001 ", "./app/d/f 0 644 1000:1001 text", "./app/link 2 777 1000:1001 d/f", "./app/x 0 755 1000:1001 ",
		}},
	} {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		var archive bytes.Buffer
		w := tar.NewWriter(&archive)
		if err := errors.Join(Tar(w, f, c.prefix, c.owner), w.Close(), f.Close()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, entries(t, &archive)); diff != "" {
			t.Errorf("%q: %s", c.prefix, diff)
		}
	}
}

// entries lists an archive: names, types, modes, owners, and contents or targets.
func entries(t *testing.T, archive io.Reader) (all []string) {
	t.Helper()
	for r := tar.NewReader(archive); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if h.Uname != "" || h.Gname != "" || !h.ModTime.Equal(Epoch) {
			t.Errorf("%s is of %s:%s, %s", h.Name, h.Uname, h.Gname, h.ModTime)
		}
		all = append(all, fmt.Sprintf("%s %c %o %d:%d %s%s", h.Name, h.Typeflag, h.Mode, h.Uid, h.Gid, text, h.Linkname))
	}
}
