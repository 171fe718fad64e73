package slug

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/internal/testenv"
)

func canceled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func TestWhatIsPackedComesOutAsHerokusArchiveAndGoesInAgain(t *testing.T) {
	t.Parallel()
	s := testStore(t)
	res := pack(t, s, appFolder(t), Options{})
	var out bytes.Buffer
	if err := s.WriteTar(t.Context(), res.Digest, &out); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"./app/", "./app/Procfile", "./app/absolute -> /etc/passwd", "./app/bin/", "./app/bin/web", "./app/dangling -> none",
		"./app/deep/", "./app/deep/er/", "./app/deep/er/est/", "./app/deep/er/est/file", "./app/empty", "./app/hard",
		"./app/link -> bin/web", "./app/node_modules/", "./app/node_modules/a/", "./app/node_modules/a/index.js", "./app/up -> ../../../etc",
	}
	if diff := cmp.Diff(want, names(t, out.Bytes())); diff != "" {
		t.Errorf("archive (-want +got):\n%s", diff)
	}
	again, err := s.PackTar(t.Context(), archiveFile(t, out.Bytes()), Options{UID: testUID})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(listing(t, s, res.Digest), listing(t, s, again.Digest)); diff != "" {
		t.Errorf("after the round trip (-want +got):\n%s", diff)
	}
	if err := s.WriteTar(t.Context(), digestPrefix+strings.Repeat("0", 64), io.Discard); !errors.Is(err, kigo.ErrNotFound) {
		t.Errorf("WriteTar of no image: %v", err)
	}
}

// It runs alone: what it counts is what the process allocates.
func TestALargeSlugComesOutInLittleMemory(t *testing.T) {
	const size = 96 << 20
	s, dir := testStore(t), t.TempDir()
	large := filepath.Join(dir, "large")
	if err := errors.Join(os.WriteFile(large, nil, 0o644), os.Truncate(large, size)); err != nil {
		t.Fatal(err)
	}
	own(t, dir, testUID)
	path, err := s.Path(pack(t, s, dir, Options{}).Digest)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := exportImage(f, io.Discard); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > size*2/3 {
		t.Errorf("an archive of %d MB took %d MB of memory", size>>20, took>>20)
	}
}

func names(t *testing.T, archive []byte) []string {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			sort.Strings(all)
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Uid != 1000 || h.Gid != 1000 {
			t.Errorf("%s belongs to %d:%d", h.Name, h.Uid, h.Gid)
		}
		if h.Linkname != "" {
			h.Name += " -> " + h.Linkname
		}
		all = append(all, h.Name)
	}
}

func archiveFile(t testing.TB, data []byte) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "archive")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestAnImageIsCheckedAtItsFirstUseAfterABoot(t *testing.T) {
	t.Parallel()
	testenv.NeedsRoot(t) // who writes to a read-only file
	s := testStore(t)
	res := pack(t, s, appFolder(t), Options{})
	path, err := s.Path(res.Digest)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("!"), res.ImageSize-1); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if _, err := (&Store{Dir: s.Dir}).Path(res.Digest); err != nil {
		t.Errorf("checked twice in one boot: %v", err)
	}
	if err := os.WriteFile(filepath.Join(s.Dir, verifiedName), []byte("another-boot\n"+res.Digest+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	rebooted := &Store{Dir: s.Dir}
	if _, err := rebooted.Path(res.Digest); !errors.Is(err, ErrCorrupt) {
		t.Errorf("after a boot: %v; want ErrCorrupt", err)
	}
	// Packing the same app again repairs it.
	if again := pack(t, rebooted, appFolder(t), Options{}); again.Digest != res.Digest {
		t.Fatal("another digest")
	}
	if err := rebooted.Verify(res.Digest); err != nil {
		t.Errorf("after it was made again: %v", err)
	}
}

func TestAdoptTakesOnlyTheBytesOfTheDigest(t *testing.T) {
	t.Parallel()
	s := testStore(t)
	dir := t.TempDir()
	tmp := filepath.Join(dir, "image")
	res, err := Pack(t.Context(), appFolder(t), tmp, Options{UID: testUID})
	if err != nil {
		t.Fatal(err)
	}
	other := digestPrefix + strings.Repeat("ab", 32)
	if err := s.Adopt(tmp, other); !errors.Is(err, ErrCorrupt) {
		t.Errorf("Adopt under another digest: %v", err)
	}
	for _, bad := range []string{"", "sha256:", res.Digest[7:], "sha256:../../x", strings.ToUpper(res.Digest)} {
		if err := s.Adopt(tmp, bad); err == nil {
			t.Errorf("Adopt under %q was taken", bad)
		}
		if _, err := s.Path(bad); err == nil || s.Has(bad) {
			t.Errorf("Path(%q) exists", bad)
		}
	}
	if err := s.Adopt(tmp, res.Digest); err != nil {
		t.Fatal(err)
	}
	if !s.Has(res.Digest) {
		t.Error("the adopted image is not there")
	}
	if total, err := s.TotalSize(); err != nil || total != res.ImageSize {
		t.Errorf("TotalSize %d, %v; want %d", total, err, res.ImageSize)
	}
}

func TestGCKeepsWhatIsWantedAndWhatIsNew(t *testing.T) {
	t.Parallel()
	s := testStore(t)
	dir := appFolder(t)
	a := pack(t, s, dir, Options{})
	b := pack(t, s, dir, Options{Time: time.Unix(5, 0)})
	c := pack(t, s, dir, Options{Time: time.Unix(6, 0)})
	old := time.Now().Add(-2 * gcGrace)
	for _, r := range []Result{a, b} {
		path, _ := s.Path(r.Digest)
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
	if freed, err := s.GC(func(string) bool { return false }); err != nil || freed != 0 { // the clock may have been set
		t.Errorf("GC freed %d of what was placed a moment ago, %v", freed, err)
	}
	s = &Store{Dir: s.Dir} // as after a restart
	freed, err := s.GC(func(digest string) bool { return digest == a.Digest })
	if err != nil || freed != b.ImageSize {
		t.Errorf("GC freed %d, %v; want %d", freed, err, b.ImageSize)
	}
	if !s.Has(a.Digest) || s.Has(b.Digest) || !s.Has(c.Digest) {
		t.Errorf("kept %v %v %v; want true false true", s.Has(a.Digest), s.Has(b.Digest), s.Has(c.Digest))
	}
	if again := pack(t, s, dir, Options{Time: time.Unix(5, 0)}); again.Digest != b.Digest {
		t.Errorf("packed %s again, want %s", again.Digest, b.Digest)
	}
	path, _ := s.Path(b.Digest)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	if freed, err := s.GC(func(digest string) bool { return digest == a.Digest }); err != nil || freed != 0 || !s.Has(b.Digest) {
		t.Errorf("GC freed %d with an image that was just found again, %v", freed, err)
	}
	if _, err := (&Store{Dir: filepath.Join(s.Dir, "none")}).GC(nil); err != nil {
		t.Errorf("GC of no folder: %v", err)
	}
}
