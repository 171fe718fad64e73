package slug

import (
	"archive/tar"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/internal/image"
)

// archive makes a plain tar; a header's Linkname doubles as a file's content.
func archive(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		content := ""
		if h.Typeflag == tar.TypeReg {
			content, h.Linkname = h.Linkname, ""
		}
		h.Size = int64(len(content))
		if h.Mode == 0 {
			h.Mode = 0o644
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAnArchivesLinksAndMissingFoldersAreMadeWhole(t *testing.T) {
	t.Parallel()
	s := testStore(t)
	data := archive(t,
		tar.Header{Name: "./app/bin/web", Typeflag: tar.TypeReg, Mode: 0o755, Linkname: "hello"},
		tar.Header{Name: "app/bin/", Typeflag: tar.TypeDir, Mode: 0o700},
		tar.Header{Name: "./app/again", Typeflag: tar.TypeLink, Linkname: "./app/bin/web"},
		tar.Header{Name: "./app/out", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"},
		tar.Header{Name: "./app/pipe", Typeflag: tar.TypeFifo},
	)
	res, err := s.PackTar(t.Context(), archiveFile(t, data), Options{UID: testUID})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`. drwxr-xr-x 1000:1000 3`,
		`again -rwxr-xr-x 1000:1000 1 "hello"`,
		`bin drwx------ 1000:1000 2`,
		`bin/web -rwxr-xr-x 1000:1000 1 "hello"`,
		`out Lrwxrwxrwx 1000:1000 1 -> /etc/passwd`,
	}
	if diff := cmp.Diff(want, listing(t, s, res.Digest)); diff != "" {
		t.Errorf("image (-want +got):\n%s", diff)
	}
}

func TestBadArchivesAreRefusedWithWhatIsWrong(t *testing.T) {
	t.Parallel()
	reg := func(name string) tar.Header {
		return tar.Header{Name: name, Typeflag: tar.TypeReg, Linkname: "x"}
	}
	good := archive(t, reg("./app/a"))
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"outside of app":      {archive(t, reg("etc/passwd")), "not below ./app"},
		"absolute":            {archive(t, reg("/etc/passwd")), "not below ./app"},
		"dots":                {archive(t, reg("app/../../etc/passwd")), "leaves its folder"},
		"dots within":         {archive(t, reg("app/a/../b")), "leaves its folder"},
		"twice":               {archive(t, reg("app/a"), reg("./app/a")), "a twice"},
		"below a file":        {archive(t, reg("app/a"), reg("app/a/b")), "no folder"},
		"below a link":        {archive(t, tar.Header{Name: "app/l", Typeflag: tar.TypeSymlink, Linkname: "/etc"}, reg("app/l/passwd")), "no folder"},
		"link to nothing":     {archive(t, tar.Header{Name: "app/l", Typeflag: tar.TypeLink, Linkname: "app/none"}), "no file in it"},
		"link to the outside": {archive(t, tar.Header{Name: "app/l", Typeflag: tar.TypeLink, Linkname: "/etc/passwd"}), "not below ./app"},
		"device":              {archive(t, tar.Header{Name: "app/null", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3}), "device file"},
		"cut short":           {good[:512], "middle of a"},
		"no archive":          {bytes.Repeat([]byte("no tar "), 200), "damaged"},
		"damaged gzip":        {[]byte("\x1f\x8bnot gzip at all"), "damaged"},
		"folder over a file":  {archive(t, reg("app/a"), tar.Header{Name: "app/a/", Typeflag: tar.TypeDir}), "a twice"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := testStore(t).PackTar(t.Context(), archiveFile(t, c.data), Options{UID: testUID})
			if !errors.Is(err, kigo.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v; want %q", err, c.want)
			}
		})
	}
}

func FuzzAnArchiveBecomesAnImageOrAnError(f *testing.F) {
	f.Add(archive(f, tar.Header{Name: "./app/a", Typeflag: tar.TypeReg, Linkname: "x"}))
	f.Add(archive(f, tar.Header{Name: "app/l", Typeflag: tar.TypeSymlink, Linkname: "/etc"}, tar.Header{Name: "app/d/", Typeflag: tar.TypeDir}))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		out, err := os.Create(filepath.Join(dir, "image"))
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		if _, err := packArchive(archiveFile(t, data), out, image.Epoch); err != nil {
			return
		}
		if err := exportImage(out, &bytes.Buffer{}); err != nil {
			t.Errorf("an image that was made cannot be read: %v", err)
		}
	})
}

func FuzzAnEntrysNameStaysBelowTheRoot(f *testing.F) {
	for _, name := range []string{"./app/a", "app", "/app/../x", "app//b/./c", "../app/x", "app/a\x00"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got, err := entryName(name)
		if err == nil && got != "" && !filepath.IsLocal(got) {
			t.Errorf("%q became %q", name, got)
		}
	})
}

func BenchmarkPackingATreeOfManyFiles(b *testing.B) {
	dir := os.Getenv("KIGO_BENCH_TREE")
	if dir == "" {
		dir = appFolder(b)
	}
	own(b, dir, testUID)
	s := testStore(b)
	for i := 0; b.Loop(); i++ {
		res := pack(b, s, dir, Options{Time: time.Unix(int64(i+1), 0)})
		b.ReportMetric(float64(res.Files), "files")
		b.ReportMetric(float64(res.ImageSize)/1e6, "image-MB")
		b.ReportMetric(float64(res.Size)/1e6, "slug-MB")
	}
}
