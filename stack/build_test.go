package stack_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/stack"
	"github.com/kigo-dev/kigo/stack/stacktest"
)

// mount mounts an image read-only and returns the folder.
func mount(t *testing.T, image string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount(image, dir, "erofs", unix.MS_RDONLY|unix.MS_NODEV|unix.MS_NOSUID, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

func TestTheSmallStackHasWhatTheEngineBindsOverAndRunsPrograms(t *testing.T) {
	s := stacktest.Small(t)
	img, path, err := s.Image(stack.DefaultName, stack.VariantRun)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Path(img.Digest); err != nil || !os.SameFile(stat(t, got), stat(t, path)) {
		t.Errorf("Path(%s) = %s, %v; want %s", img.Digest, got, err, path)
	}
	root := mount(t, path)
	for _, dir := range []string{"app", "tmp", "tmp/codon", "opt/kigo", "proc", "dev", "sys", "run", "var/tmp"} {
		if info := stat(t, filepath.Join(root, dir)); !info.IsDir() {
			t.Errorf("/%s is %v", dir, info.Mode())
		}
	}
	for _, file := range []string{stack.MemoryLimit, "etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/ssl/certs/ca-certificates.crt", "etc/apt/sources.list"} {
		info, err := os.Lstat(filepath.Join(root, file))
		if err != nil || !info.Mode().IsRegular() {
			t.Errorf("%s is %v, %v; want a plain file", file, info, err)
		}
	}
	if mode := stat(t, filepath.Join(root, "tmp")).Mode().String(); mode != "dtrwxrwxrwx" {
		t.Errorf("/tmp has mode %s", mode)
	}
	script := `set -e; id -un; id -u; echo ~; for p in bash curl git xz jq openssl perl ps tar gzip sed awk find date; do found=$(command -v $p); done; ls /dev`
	cmd := exec.CommandContext(t.Context(), "chroot", "--userspec=1000:1000", root, "/bin/bash", "-c", script)
	cmd.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/app"}
	out, err := cmd.CombinedOutput()
	if want := "dyno\n1000\n/app\n"; err != nil || string(out) != want {
		t.Errorf("in the stack: %q, %v; want %q", out, err, want)
	}
	set, err := filepath.Glob(filepath.Join(root, "etc/*-"))
	if err != nil || len(set) != 0 {
		t.Errorf("left over: %v", set)
	}
}

func stat(t *testing.T, path string) os.FileInfo {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func TestASecondBuildOfTheSameIsNone(t *testing.T) {
	s := stacktest.Small(t)
	first, err := s.List()
	if err != nil || len(first) != 2 {
		t.Fatalf("List = %v, %v; want run and build", first, err)
	}
	t.Setenv("PATH", "") // nothing can be built any more
	other, err := stack.Build(t.Context(), stack.Options{Name: "other", Variant: stack.VariantRun, Size: stack.SizeSmall, Dir: s.Dir})
	if err != nil || other.Digest != first[1].Digest || other.Name != "other" {
		t.Errorf("under another name: %+v, %v", other, err)
	}
	for _, dir := range []string{s.Dir, t.TempDir()} {
		again, err := stack.Build(t.Context(), stack.Options{
			Variant: stack.VariantRun, Size: stack.SizeSmall, Dir: dir, Cache: stacktest.Cache(),
			Making: func() { t.Errorf("into %s: it is said to be made", dir) },
		})
		if err != nil || again.Digest != first[1].Digest {
			t.Errorf("into %s: %s, %v; want %s", dir, again.Digest, err, first[1].Digest)
		}
	}
	said := false
	_, err = stack.Build(t.Context(), stack.Options{Variant: stack.VariantRun, Size: stack.SizeSmall, Dir: t.TempDir(), Making: func() { said = true }})
	if !said {
		t.Error("nobody is told that one is made")
	}
	if !errors.Is(err, stack.ErrMissing) || !strings.Contains(err.Error(), "apt-get install mmdebstrap") {
		t.Errorf("without mmdebstrap: %v", err)
	}
}

func TestADamagedImageIsNotGivenOut(t *testing.T) {
	s := stacktest.Small(t)
	_, path, err := s.Image(stack.DefaultName, stack.VariantBuild)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Image(stack.DefaultName, stack.VariantBuild); !errors.Is(err, kigo.ErrNotFound) {
		t.Errorf("Image: %v", err)
	}
	stacktest.Into(t, s.Dir)
	if _, _, err := s.Image(stack.DefaultName, stack.VariantBuild); err != nil {
		t.Errorf("Image after another build: %v", err)
	}
}

func TestUnknownStacksAreNotFoundAndBadOptionsRefused(t *testing.T) {
	s := &stack.Store{Dir: filepath.Join(t.TempDir(), "none")}
	for _, name := range []string{"heroku-24", "", "../x", "a/b"} {
		if _, _, err := s.Image(name, stack.VariantRun); !errors.Is(err, kigo.ErrNotFound) {
			t.Errorf("Image(%q): %v", name, err)
		}
	}
	if _, err := s.Path("sha256:00"); !errors.Is(err, kigo.ErrNotFound) {
		t.Errorf("Path: %v", err)
	}
	for _, o := range []stack.Options{
		{Variant: "x", Size: stack.SizeSmall, Dir: "/d"},
		{Variant: stack.VariantRun, Size: "huge", Dir: "/d"},
		{Variant: stack.VariantRun, Size: stack.SizeSmall},
		{Name: "../x", Variant: stack.VariantRun, Size: stack.SizeSmall, Dir: "/d"},
	} {
		if _, err := stack.Build(context.Background(), o); err == nil {
			t.Errorf("Build(%+v) was taken", o)
		}
	}
}
