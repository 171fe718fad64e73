package enginetest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/erofs/go-erofs"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/internal/testenv"
)

// Images are a tiny stack (busybox and the suite's own program), the same as the root of a
// container image, which is its user's own, and a slug.
type Images struct {
	Stack, Root, Slug kigo.Image

	files map[string]string
}

// Find returns an image's file.
func (i Images) Find(digest string) (string, error) {
	if path := i.files[digest]; path != "" {
		return path, nil
	}
	return "", errors.New("no such image: " + digest)
}

// SlugText is the contents of /app/hello in the slug.
const SlugText = "hello from the slug\n"

// NewImages builds the images for the rest of the test.
func NewImages(t testing.TB) Images {
	t.Helper()
	dir := t.TempDir()
	busybox := testenv.NeedsProgram(t, "busybox")
	program := buildProgram(t, filepath.Join(dir, "testapp"), "KIGO_TESTAPP")
	probe := buildProgram(t, filepath.Join(dir, "probe"), "KIGO_PROBE")
	i := Images{files: map[string]string{}}
	root := func(w *image, owner int) {
		w.check(w.fs.Chown("/", owner, owner))
		for _, d := range []string{"/app", "/bin", "/dev", "/etc", "/proc", "/sys", "/tmp", "/var", "/usr", "/usr/bin"} {
			w.mkdir(d, owner)
		}
		w.copy("/bin/busybox", busybox, owner)
		w.copy("/bin/testapp", program, owner)
		w.copy("/bin/probe", probe, owner)
		for _, name := range []string{"sh", "cat", "echo", "env", "id", "ls", "sleep", "stat", "stty", "touch", "true", "tty", "rm", "mkdir", "ps", "kill", "dd", "df", "nslookup", "head", "grep", "printf", "hostname"} {
			w.check(w.fs.Symlink("busybox", "/bin/"+name))
		}
		w.text("/etc/passwd", "root:x:0:0::/root:/bin/sh\ndyno:x:1000:1000::/app:/bin/sh\n", owner)
		w.text("/etc/group", "root:x:0:\ntty:x:5:\ndyno:x:1000:\n", owner)
		for _, name := range []string{"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"} {
			w.text(name, "", owner)
		}
	}
	i.Stack = i.pack(t, filepath.Join(dir, "stack.erofs"), func(w *image) { root(w, 0) })
	i.Root = i.pack(t, filepath.Join(dir, "root.erofs"), func(w *image) { root(w, 1000) })
	i.Slug = i.pack(t, filepath.Join(dir, "slug.erofs"), func(w *image) {
		w.text("/hello", SlugText, 1000)
		w.mkdir("/folder", 1000)
	})
	return i
}

// buildProgram builds a program of the suite's own; on a machine without Go a
// variable names one that was built elsewhere.
func buildProgram(t testing.TB, path, variable string) string {
	t.Helper()
	if built := os.Getenv(variable); built != "" {
		return built
	}
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "github.com/kigo-dev/kigo/dyno/enginetest/"+filepath.Base(path))
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build test program: %v\n%s", err, out)
	}
	return path
}

func (i Images) pack(t testing.TB, path string, fill func(*image)) kigo.Image {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	w := &image{t: t, fs: erofs.Create(file)}
	fill(w)
	w.check(w.fs.Close())
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		t.Fatal(err)
	}
	digest := "sha256:" + hex.EncodeToString(sum.Sum(nil))
	i.files[digest] = path
	return kigo.Image{Digest: digest}
}

type image struct {
	t  testing.TB
	fs *erofs.Writer
}

func (w *image) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *image) mkdir(name string, owner int) {
	w.check(w.fs.Mkdir(name, 0o755))
	w.check(w.fs.Chown(name, owner, owner))
}

func (w *image) text(name, text string, owner int) {
	w.write(name, 0o644, owner, func(f io.Writer) error { _, err := io.WriteString(f, text); return err })
}

func (w *image) copy(name, source string, owner int) {
	w.write(name, 0o755, owner, func(f io.Writer) error {
		in, err := os.Open(source)
		if err != nil {
			return err
		}
		defer in.Close()
		_, err = io.Copy(f, in)
		return err
	})
}

func (w *image) write(name string, mode os.FileMode, owner int, fill func(io.Writer) error) {
	w.t.Helper()
	f, err := w.fs.Create(name)
	w.check(err)
	w.check(fill(f))
	w.check(f.Chmod(mode))
	w.check(f.Chown(owner, owner))
	w.check(f.Close())
}
