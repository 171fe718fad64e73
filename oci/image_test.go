package oci

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/erofs/go-erofs"
	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/internal/testenv"
)

func TestImagesAreMountedOnceFromTheirFileOrThroughALoopDevice(t *testing.T) {
	testenv.NeedsRoot(t)
	file := filepath.Join(t.TempDir(), "image.erofs")
	writeImage(t, file)
	for name, mount := range map[string]func(file, folder string) error{"file": mountErofs, "loop": mountErofsLoop} {
		folder := t.TempDir()
		if err := mount(file, folder); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		t.Cleanup(func() { _ = unix.Unmount(folder, unix.MNT_DETACH) })
		if got, err := os.ReadFile(filepath.Join(folder, "hello")); err != nil || string(got) != "hello\n" {
			t.Errorf("%s: read %q, %v", name, got, err)
		}
		if err := os.WriteFile(filepath.Join(folder, "new"), nil, 0o644); err == nil {
			t.Errorf("%s: the mount is writable", name)
		}
		if !mounted(folder) {
			t.Errorf("%s: not seen as mounted", name)
		}
	}
	i := &images{dir: t.TempDir(), find: func(string) (string, error) { return file, nil }}
	image := kigo.Image{Digest: "sha256:" + string(make64('a'))}
	e := &Engine{images: i}
	if err := e.Prepare(t.Context(), image, image, kigo.Image{}); err != nil {
		t.Fatal(err)
	}
	i.find = nil // a second mount would ask
	if _, err := i.mount(image); err != nil {
		t.Error(err)
	}
	if err := e.Forget(image); err != nil {
		t.Error(err)
	}
	if entries, _ := os.ReadDir(i.dir); len(entries) != 0 {
		t.Errorf("left %v", entries)
	}
}

func TestAnImageIsNamedByADigestAlone(t *testing.T) {
	i := &images{dir: "/nowhere"}
	for _, digest := range []string{"sha256:", "sha256:../../etc", "md5:1", string(make64('a')), "sha256:" + string(make64('G'))} {
		if folder, err := i.folder(digest); err == nil {
			t.Errorf("%q was taken as %s", digest, folder)
		}
	}
}

func make64(c byte) []byte {
	b := make([]byte, 64)
	for i := range b {
		b[i] = c
	}
	return b
}

func writeImage(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := erofs.Create(f)
	hello, err := w.Create("/hello")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := hello.Write([]byte("hello\n")); err != nil {
		t.Fatal(err)
	}
	if err := hello.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}
