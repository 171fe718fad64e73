package image

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/erofs/go-erofs"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo/internal/testenv"
)

// describe lists a file system: names, modes, sizes, link targets and sums.
func describe(t *testing.T, root fs.FS) []string {
	t.Helper()
	var lines []string
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("walk %d: %w", len(name), err)
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		line := name + " " + info.Mode().String()
		switch info.Mode().Type() {
		case fs.ModeSymlink:
			target, err := fs.ReadLink(root, name)
			if err != nil {
				return fmt.Errorf("read link of %d bytes: %w", info.Size(), err)
			}
			lines = append(lines, line+" -> "+target)
			return err
		case 0:
			data, err := fs.ReadFile(root, name)
			if err != nil {
				return fmt.Errorf("read %s of %d bytes: %w", name[max(0, len(name)-20):], info.Size(), err)
			}
			lines = append(lines, fmt.Sprintf("%s %d %x", line, len(data), sha256.Sum256(data)))
			return err
		}
		lines = append(lines, line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// write makes an image of dir and returns its file.
func write(t *testing.T, dir string, o Options) (string, Stats) {
	t.Helper()
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
	stats, err := Write(out, d, o)
	if err != nil {
		t.Fatal(err)
	}
	return out.Name(), stats
}

// randomTree fills dir with what is hard to lay out: sizes around blocks, many
// names in one folder, long names and long link targets.
func randomTree(t *testing.T, dir string, r *rand.Rand) {
	t.Helper()
	folders := []string{dir}
	for i := range 30 + r.IntN(300) {
		parent := folders[r.IntN(len(folders))]
		path := filepath.Join(parent, fmt.Sprint(i)+strings.Repeat("n", r.IntN(230)))
		var err error
		switch r.IntN(6) {
		case 0:
			err = os.Mkdir(path, 0o755)
			folders = append(folders, path)
		case 1:
			err = os.Symlink(strings.Repeat("t", 1+r.IntN(4000)), path)
		default:
			size := []int{0, 1, 100, 4000, 4031, 4064, 4095, 4096, 4097, 8192, 70_000}[r.IntN(11)] + r.IntN(3)
			data := make([]byte, size)
			for i := range data {
				data[i] = byte(r.Uint32())
			}
			err = os.WriteFile(path, data, fs.FileMode(0o600|r.IntN(0o100)))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheKernelAndTheLibraryReadWhatWasInTheFolder(t *testing.T) {
	testenv.NeedsRoot(t)
	for seed := range uint64(20) {
		dir, at := t.TempDir(), t.TempDir()
		randomTree(t, dir, rand.New(rand.NewPCG(seed, 0)))
		image, _ := write(t, dir, Options{})
		if err := unix.Mount(image, at, "erofs", unix.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
		want := describe(t, os.DirFS(dir))
		if diff := cmp.Diff(want, describe(t, os.DirFS(at))); diff != "" {
			t.Errorf("seed %d: kernel (-want +got):\n%s", seed, diff)
		}
		if err := unix.Unmount(at, 0); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(image)
		if err != nil {
			t.Fatal(err)
		}
		img, err := Open(f)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, describe(t, img)); diff != "" {
			t.Errorf("seed %d: library (-want +got):\n%s", seed, diff)
		}
		f.Close()
	}
}

func TestOwnersAndTimesAreKeptOrReplaced(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	when := time.Unix(1_600_000_000, 0)
	if err := os.Chtimes(filepath.Join(dir, "f"), when, when); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		o    Options
		want Owner
		time time.Time
	}{
		"kept":     {Options{KeepTimes: true}, Owner{uint32(os.Getuid()), uint32(os.Getgid())}, when},
		"replaced": {Options{Owner: &Owner{1000, 70_000}}, Owner{1000, 70_000}, Epoch},
		"told":     {Options{Owner: &Owner{1, 2}, Time: time.Unix(7, 0)}, Owner{1, 2}, time.Unix(7, 0)},
	} {
		image, _ := write(t, dir, c.o)
		f, err := os.Open(image)
		if err != nil {
			t.Fatal(err)
		}
		img, err := Open(f)
		if err != nil {
			t.Fatal(err)
		}
		info, err := fs.Stat(img, "f")
		if err != nil {
			t.Fatal(err)
		}
		st := info.Sys().(*erofs.Stat)
		if (Owner{st.UID, st.GID}) != c.want || !info.ModTime().Equal(c.time) {
			t.Errorf("%s: %d:%d at %v; want %v at %v", name, st.UID, st.GID, info.ModTime(), c.want, c.time)
		}
		f.Close()
	}
}

func TestTooManyFilesAreRefusedAndSkippedOnesDoNotCount(t *testing.T) {
	dir := t.TempDir()
	for i := range 10 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	d, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	_, err = Write(&seekBufferTarget{}, d, Options{MaxFiles: 9})
	if !errors.Is(err, ErrTooMany) {
		t.Errorf("10 of 9: %v", err)
	}
	if _, stats := write(t, dir, Options{MaxFiles: 9, Skip: func(name string) bool { return name == "3" }}); stats.Files != 9 || stats.Bytes != 9 {
		t.Errorf("stats %+v; want 9 files of 9 bytes", stats)
	}
}

// seekBufferTarget is a file in memory that is written once.
type seekBufferTarget struct{ bytes.Buffer }

func (*seekBufferTarget) Seek(int64, int) (int64, error) { return 0, nil }
