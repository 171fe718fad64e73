package build

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// Not parallel: it bounds how many files this process may open.
func TestADiskWithFoldersNestedDeeperThanFilesCanBeOpenIsCleared(t *testing.T) {
	rig := newCacheRig(t)
	dir := rig.loop.path("builds", "deep")
	if err := os.Mkdir(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	root, err := rig.loop.newDisk(dir, disk)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sweep(dir) })
	outside := filepath.Join(dir, "outside")
	nest(t, root, 1000)
	for path, text := range map[string]string{filepath.Join(root, "file"): "x", filepath.Join(root, "d", "file"): "x", outside: "kept"} {
		if err := os.WriteFile(path, []byte(text), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(dir, filepath.Join(root, "d", "link")); err != nil {
		t.Fatal(err)
	}

	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	bounded := before
	bounded.Cur = 300
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &bounded); err != nil {
		t.Fatal(err)
	}
	err = clearDisk(root)
	if back := unix.Setrlimit(unix.RLIMIT_NOFILE, &before); back != nil {
		t.Fatal(back)
	}
	if err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(root); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	if text, err := os.ReadFile(outside); string(text) != "kept" {
		t.Errorf("a file behind a link: %q, %v", text, err)
	}
	if err := dropDisk(filepath.Join(dir, cacheDisk)); err != nil {
		t.Errorf("drop a disk that is not there: %v", err)
	}
	if err := dropDisk(root); err != nil || mounted(root) {
		t.Errorf("drop: %v, mounted: %v", err, mounted(root))
	}
}

// nest makes folders in folders.
func nest(t *testing.T, root string, depth int) {
	at, err := unix.Open(root, unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	for i := 0; err == nil && i < depth; i++ {
		var next int
		if err = unix.Mkdirat(at, "d", 0o755); err == nil {
			next, err = unix.Openat(at, "d", unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		}
		_ = unix.Close(at)
		at = next
	}
	if err != nil {
		t.Fatal(err)
	}
	_ = unix.Close(at)
}
