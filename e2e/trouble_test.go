package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/internal/testenv"
)

// TestAFullDiskStopsChangesAndNothingElse fills the disk of the data folder, in
// bytes and in files, up to where the platform keeps the rest for itself and then to the last:
// requests are answered all the time, what cannot be done is refused in clear words, nothing is
// left half written, and all goes on when there is space again.
func TestAFullDiskStopsChangesAndNothingElse(t *testing.T) {
	testenv.NeedsRoot(t)
	t.Parallel()
	for what, fill := range map[string]func(dir string, leave int64) error{"bytes": fillBytes, "files": fillFiles} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			disk := smallDisk(t)
			v := &victim{server: startServer(t, setup{data: filepath.Join(disk, "data")})}
			v.deploy(t, "full", map[string]string{"web": "bin/testapp web"}, map[string]string{"GREETING": "0"})
			v.steady(t, "full", "web.1")
			lost := v.watch(t, "full")
			for round, leave := range []int64{1, 0} { // the platform's share, nothing
				v.whileFull(t, disk, round, fill, leave)
			}
			if n, first := lost(); n > 0 {
				t.Errorf("%d requests were lost, the first: %v", n, first)
			}
			v.clean(t, "full")
		})
	}
}

// smallDisk mounts one for a data folder.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for path := dir; path != os.TempDir(); path = filepath.Dir(path) { // container root passes through
		if err := os.Chmod(path, 0o711); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mount("kigo-e2e", dir, "tmpfs", 0, "size=600m,nr_inodes=4000,mode=711"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// whileFull fills the disk, looks what becomes of changes, and empties it.
func (v *victim) whileFull(t *testing.T, disk string, round int, fill func(string, int64) error, leave int64) {
	t.Helper()
	c, ballast := v.client(t), filepath.Join(disk, "ballast")
	if err := os.Mkdir(ballast, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := fill(ballast, leave); err != nil {
		t.Fatal(err)
	}
	slug, err := c.CreateSlug(t.Context(), "full", client.NewSlug{ProcessTypes: map[string]string{"web": "bin/testapp web"}})
	if err == nil {
		err = c.Upload(t.Context(), slug.Blob.URL, strings.NewReader("not stored"), 10)
	}
	var refused *client.Error
	if !errors.As(err, &refused) || refused.ID != kigo.IDUnavailable || !strings.Contains(refused.Message, "disk is") {
		t.Errorf("an upload while %d is left: %v", leave, err)
	}
	if _, err := c.Dynos(t.Context(), "full"); err != nil {
		t.Errorf("reading while it is full: %v", err)
	}
	if body, err := v.visit(visitor(), "full", "/"); err != nil {
		t.Errorf("the app: %q %v", body, err)
	}
	next := strconv.Itoa(round + 1)
	set := map[string]*string{"GREETING": &next}
	_, err = c.SetConfigVars(t.Context(), "full", set)
	if err != nil && (!errors.As(err, &refused) || refused.ID != kigo.IDUnavailable) {
		t.Errorf("a change while it is full: %v", err)
	}
	if leave > 0 && err != nil {
		t.Errorf("a change with the platform's share left: %v", err)
	}
	if err := os.RemoveAll(ballast); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a change after it was full", func() error {
		_, err := c.SetConfigVars(t.Context(), "full", set)
		return err
	})
	v.steady(t, "full", "web.1")
	eventually(t, "requests to reach the new release", func() error { // the router hears of it after the API
		body, err := v.visit(visitor(), "full", "/")
		if err == nil && !strings.Contains(body, "greeting="+next+" ") {
			err = fmt.Errorf("%q", body)
		}
		return err
	})
}

// fillBytes writes until 1% of the disk is left, or nothing.
func fillBytes(dir string, leave int64) error {
	f, err := os.Create(filepath.Join(dir, "bytes"))
	if err != nil {
		return err
	}
	defer f.Close()
	for chunk := make([]byte, 64<<10); ; {
		var fs unix.Statfs_t
		if err := unix.Statfs(dir, &fs); err != nil {
			return err
		}
		if leave > 0 && fs.Bavail <= fs.Blocks*uint64(leave)/100+16 {
			return nil
		}
		if _, err := f.Write(chunk); errors.Is(err, unix.ENOSPC) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// fillFiles makes files until 1% of those that the disk can hold are left, or none.
func fillFiles(dir string, leave int64) error {
	for n := 0; ; n++ {
		var fs unix.Statfs_t
		if err := unix.Statfs(dir, &fs); err != nil {
			return err
		}
		if leave > 0 && fs.Ffree <= fs.Files*uint64(leave)/100 {
			return nil
		}
		f, err := os.Create(filepath.Join(dir, fmt.Sprint(n)))
		if errors.Is(err, unix.ENOSPC) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
}
