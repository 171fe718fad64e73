package slug

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/erofs/go-erofs"
	"github.com/google/go-cmp/cmp"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/internal/image"
	"github.com/kigo-dev/kigo/internal/testenv"
)

// testUID packs in tests: nobody's files, but those of the test's folder.
const testUID = 2_001_000

// testStore is a store in a folder of its own.
func testStore(t testing.TB) *Store {
	t.Helper()
	return &Store{Dir: filepath.Join(t.TempDir(), "slugs")}
}

// appFolder is a folder with what apps have, readable by testUID.
func appFolder(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	put := func(name, text string, mode fs.FileMode) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	put("Procfile", "web: bin/web\n", 0o644)
	put("bin/web", strings.Repeat("#!/bin/sh\n", 1000), 0o755)
	put("empty", "", 0o600)
	put("deep/er/est/file", "x", 0o640)
	put(".git/HEAD", "ref: refs/heads/main\n", 0o644)
	put("node_modules/a/.DS_Store", "junk", 0o644)
	put("node_modules/a/index.js", "module.exports = 1\n", 0o644)
	for name, target := range map[string]string{"link": "bin/web", "absolute": "/etc/passwd", "up": "../../../etc", "dangling": "none"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(filepath.Join(dir, "Procfile"), filepath.Join(dir, "hard")); err != nil {
		t.Fatal(err)
	}
	own(t, dir, testUID)
	return dir
}

// own gives a folder and all in it to uid, where the test may.
func own(t testing.TB, dir string, uid int) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	err := filepath.WalkDir(dir, func(p string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(p, uid, uid))
	})
	if err != nil {
		t.Fatal(err)
	}
}

func pack(t testing.TB, s *Store, dir string, o Options) Result {
	t.Helper()
	o.UID = testUID
	res, err := s.Pack(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// walkImage calls f for each entry of an image; text is a file's content.
func walkImage(t testing.TB, s *Store, digest string, f func(name string, info fs.FileInfo, text, target string)) {
	t.Helper()
	path, err := s.Path(digest)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	img, err := image.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	err = fs.WalkDir(img, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		var text []byte
		var target string
		switch info.Mode().Type() {
		case fs.ModeSymlink:
			target, err = fs.ReadLink(img, name)
		case 0:
			text, err = fs.ReadFile(img, name)
		}
		f(name, info, string(text), target)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// listing is what an image holds, a line for each entry.
func listing(t testing.TB, s *Store, digest string) []string {
	t.Helper()
	var lines []string
	walkImage(t, s, digest, func(name string, info fs.FileInfo, text, target string) {
		st := info.Sys().(*erofs.Stat)
		line := fmt.Sprintf("%s %s %d:%d %d", name, info.Mode(), st.UID, st.GID, st.Nlink)
		switch info.Mode().Type() {
		case fs.ModeSymlink:
			line += " -> " + target
		case 0:
			if len(text) > 20 {
				text = text[:8] + fmt.Sprintf("+%d", len(text)-8)
			}
			line += fmt.Sprintf(" %q", text)
		}
		lines = append(lines, line)
	})
	sort.Strings(lines)
	return lines
}

func TestASlugHoldsTheAppsFilesAsTheDynosUserAndNothingElse(t *testing.T) {
	t.Parallel()
	s := testStore(t)
	res := pack(t, s, appFolder(t), Options{})
	want := []string{
		`. drwxr-xr-x 1000:1000 5`,
		`Procfile -rw-r--r-- 1000:1000 1 "web: bin/web\n"`,
		`absolute Lrwxrwxrwx 1000:1000 1 -> /etc/passwd`,
		`bin drwxr-xr-x 1000:1000 2`,
		`bin/web -rwxr-xr-x 1000:1000 1 "#!/bin/s+9992"`,
		`dangling Lrwxrwxrwx 1000:1000 1 -> none`,
		`deep drwxr-xr-x 1000:1000 3`,
		`deep/er drwxr-xr-x 1000:1000 3`,
		`deep/er/est drwxr-xr-x 1000:1000 2`,
		`deep/er/est/file -rw-r----- 1000:1000 1 "x"`,
		`empty -rw------- 1000:1000 1 ""`,
		`hard -rw-r--r-- 1000:1000 1 "web: bin/web\n"`,
		`link Lrwxrwxrwx 1000:1000 1 -> bin/web`,
		`node_modules drwxr-xr-x 1000:1000 3`,
		`node_modules/a drwxr-xr-x 1000:1000 2`,
		`node_modules/a/index.js -rw-r--r-- 1000:1000 1 "module.exports = 1\n"`,
		`up Lrwxrwxrwx 1000:1000 1 -> ../../../etc`,
	}
	if diff := cmp.Diff(want, listing(t, s, res.Digest)); diff != "" {
		t.Errorf("image (-want +got):\n%s", diff)
	}
	if res.Files != 10 || res.RawSize != 10046 {
		t.Errorf("Files %d, RawSize %d; want 10, 10046", res.Files, res.RawSize)
	}
	if res.Size <= 0 || res.Size >= 10046 {
		t.Errorf("Size %d is not a compressed one", res.Size)
	}
	path, _ := s.Path(res.Digest)
	if info, err := os.Stat(path); err != nil || info.Size() != res.ImageSize || info.Mode() != 0o400 {
		t.Errorf("image file %v, %v; want %d bytes of mode 0400", info, err, res.ImageSize)
	}
}

func TestEqualFoldersMakeEqualDigests(t *testing.T) {
	t.Parallel()
	s := testStore(t)
	first := pack(t, s, appFolder(t), Options{})
	dir := appFolder(t)
	old := time.Unix(1, 0)
	if err := os.Chtimes(filepath.Join(dir, "bin/web"), old, old); err != nil {
		t.Fatal(err)
	}
	second := pack(t, s, dir, Options{})
	if first.Digest != second.Digest {
		t.Errorf("digests differ: %s, %s", first.Digest, second.Digest)
	}
	later := pack(t, s, dir, Options{Time: time.Unix(1_700_000_000, 0)})
	if later.Digest == first.Digest {
		t.Error("another time made no other digest")
	}
	if err := os.Chmod(filepath.Join(dir, "empty"), 0o644); err != nil {
		t.Fatal(err)
	}
	if other := pack(t, s, dir, Options{}); other.Digest == first.Digest {
		t.Error("another mode made no other digest")
	}
}

func TestAFolderWithMoreFilesThanMayBeOpenIsPacked(t *testing.T) {
	dir := t.TempDir()
	const files = 6000
	for i := range files {
		sub := filepath.Join(dir, fmt.Sprint(i%50))
		if err := os.MkdirAll(sub, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(sub, fmt.Sprint(i)), []byte(fmt.Sprint(i)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	own(t, dir, testUID)
	limit := syscall.Rlimit{Cur: 256, Max: 256}
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	limit.Max = before.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	defer syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before)
	if res := pack(t, testStore(t), dir, Options{}); res.Files != files {
		t.Errorf("packed %d files; want %d", res.Files, files)
	}
}

func TestDevicesAreRefusedAndSocketsLeftOut(t *testing.T) {
	t.Parallel()
	dir := appFolder(t)
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	own(t, dir, testUID)
	s := testStore(t)
	res := pack(t, s, dir, Options{})
	for _, line := range listing(t, s, res.Digest) {
		if strings.HasPrefix(line, "pipe") {
			t.Errorf("the image has %s", line)
		}
	}
	if os.Geteuid() != 0 {
		return
	}
	if err := syscall.Mknod(filepath.Join(dir, "null"), syscall.S_IFCHR|0o666, 1<<8|3); err != nil {
		t.Fatal(err)
	}
	_, err := s.Pack(t.Context(), dir, Options{UID: testUID})
	if !errors.Is(err, kigo.ErrInvalid) || !strings.Contains(err.Error(), "null is a device file") {
		t.Errorf("a device: %v", err)
	}
}

func TestASlugAboveTheLimitIsRefusedInHerokusWordsAndLeavesNothing(t *testing.T) {
	t.Parallel()
	s := testStore(t)
	_, err := s.Pack(t.Context(), appFolder(t), Options{UID: testUID, HardLimit: 100})
	var large *TooLarge
	if !errors.As(err, &large) || !errors.Is(err, kigo.ErrInvalid) || large.Size <= 100 {
		t.Errorf("error %v; want *TooLarge", err)
	}
	entries, _ := os.ReadDir(s.Dir)
	if len(entries) != 0 {
		t.Errorf("left %v", entries)
	}
	got := (&TooLarge{Size: 5152 << 20 / 10, Limit: kigo.SlugHardLimit}).Error()
	if want := "Compiled slug size: 515.2M is too large (max is 500M)."; got != want {
		t.Errorf("error %q; want %q", got, want)
	}
	warning := Result{Size: 446 << 20}.Warning()
	if want := "Warning: Your slug size (446 MB) exceeds our soft limit (300 MB) which may affect boot time."; warning != want {
		t.Errorf("warning %q; want %q", warning, want)
	}
	if w := (Result{Size: kigo.SlugSoftLimit}).Warning(); w != "" {
		t.Errorf("warning at the limit: %q", w)
	}
}

func TestTheChildReadsWithTheTenantsRightsOnly(t *testing.T) {
	t.Parallel()
	testenv.NeedsRoot(t)
	dir := appFolder(t)
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("root's"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := testStore(t).Pack(t.Context(), dir, Options{UID: testUID})
	if err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("packing a file of root's: %v; want permission denied", err)
	}
	if _, err := testStore(t).Pack(t.Context(), dir, Options{}); err == nil {
		t.Error("packing as root was not refused")
	}
}

func TestPackingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	dir := appFolder(t)
	s := testStore(t)
	ctx := canceled(t)
	if _, err := s.Pack(ctx, dir, Options{UID: testUID}); !errors.Is(err, ctx.Err()) {
		t.Errorf("error %v; want %v", err, ctx.Err())
	}
	if entries, _ := os.ReadDir(s.Dir); len(entries) != 0 {
		t.Errorf("left %v", entries)
	}
}

func TestAFileThatChangesWhileItIsReadIsAnError(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	if err := os.WriteFile(path, []byte("0123456789"), 0o644); err != nil {
		t.Fatal(err)
	}
	d, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	out, err := os.Create(filepath.Join(t.TempDir(), "image"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	truncate := func(string) bool { return os.Truncate(path, 5) != nil }
	_, err = image.Write(out, d, image.Options{Tee: tee{truncate}})
	if err == nil || !strings.Contains(err.Error(), "while it was read") {
		t.Errorf("error %v", err)
	}
}

// tee runs do at each entry.
type tee struct{ do func(string) bool }

func (f tee) Entry(name, _ string, _ fs.FileInfo) error { f.do(name); return nil }
func (f tee) Write(p []byte) (int, error)               { return len(p), nil }

var _ io.Writer = tee{}
