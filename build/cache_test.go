package build

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/internal/testenv"
)

var testTime = time.Unix(1e9, 0)

// cacheRig opens the cache of one app as builds do, one after the other.
type cacheRig struct {
	testing.TB
	loop  *Loop
	app   kigo.App
	stack string
	n     int
}

func newCacheRig(t testing.TB) *cacheRig {
	testenv.NeedsRoot(t)
	empty := filepath.Join(t.TempDir(), "empty")
	l := &Loop{Config: Config{Dir: t.TempDir(), Scratch: 64 << 20, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}}
	l.EmptyDisk = func(size int64) (string, error) {
		if _, err := os.Stat(empty); err == nil {
			return empty, nil
		}
		out, err := exec.Command("mkfs.ext4", "-q", "-b", "4096", "-O", "^has_journal", empty, fmt.Sprintf("%dK", size>>10)).CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%w: %s", err, out)
		}
		return empty, err
	}
	for _, name := range []string{"builds", "cache"} {
		if err := os.MkdirAll(l.path(name), 0o711); err != nil {
			t.Fatal(err)
		}
	}
	for d := l.Dir; d != "/tmp" && d != "/"; d = filepath.Dir(d) { // the app's user must get through
		os.Chmod(d, 0o711)
	}
	return &cacheRig{TB: t, loop: l, app: kigo.App{ID: "a", UIDBase: 2_000_000}, stack: "heroku-22"}
}

// build changes the cache with f, and keeps it or not.
func (r *cacheRig) build(keep bool, f func(dir string)) {
	r.Helper()
	r.n++
	dir := r.loop.path("builds", fmt.Sprint(r.n))
	if err := os.Mkdir(dir, 0o711); err != nil {
		r.Fatal(err)
	}
	c, err := r.loop.openCache(r.app, r.stack, dir)
	if err != nil {
		r.Fatal(err)
	}
	f(c.dir)
	if err := c.close(keep); err != nil {
		r.Error(err)
	}
	if err := sweep(dir); err != nil {
		r.Fatal(err)
	}
}

func (r *cacheRig) write(dir, name, text string) {
	r.Helper()
	file := filepath.Join(dir, name)
	for _, err := range []error{os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644), os.Lchown(file, 2_001_000, 2_001_000)} {
		if err != nil {
			r.Fatal(err)
		}
	}
}

func (r *cacheRig) holds(want string) {
	r.Helper()
	r.build(false, func(dir string) {
		var got []string
		filepath.WalkDir(dir, func(name string, d os.DirEntry, _ error) error {
			if d != nil && d.Type().IsRegular() {
				text, _ := os.ReadFile(name)
				rel, _ := filepath.Rel(dir, name)
				got = append(got, rel+"="+string(text))
			}
			return nil
		})
		if strings.Join(got, " ") != want {
			r.Errorf("the cache holds %q, want %q", strings.Join(got, " "), want)
		}
	})
}

func TestTheCacheIsKeptFromBuildsThatSucceedAlone(t *testing.T) {
	r := newCacheRig(t)
	r.build(true, func(dir string) { r.write(dir, "a", "1"); r.write(dir, "sub/b", "1") })
	r.build(false, func(dir string) { r.write(dir, "a", "bad"); os.RemoveAll(filepath.Join(dir, "sub")) })
	r.holds("a=1 sub/b=1")
	r.build(true, func(dir string) { r.write(dir, "a", "2"); os.RemoveAll(filepath.Join(dir, "sub")) })
	r.holds("a=2")
	r.build(true, func(dir string) { r.write(dir, "sub/c", "3") })
	r.holds("a=2 sub/c=3")
}

func TestManyBuildsLeaveFewLayersAndLoseNothing(t *testing.T) {
	r := newCacheRig(t)
	for i := range 2*maxLayers + 5 {
		r.build(true, func(dir string) {
			r.write(dir, fmt.Sprintf("f%02d", i), "x")
			os.Remove(filepath.Join(dir, fmt.Sprintf("f%02d", i-2)))
			os.Chtimes(filepath.Join(dir, "f00"), testTime, testTime)
			r.write(dir, "count", fmt.Sprint(i))
		})
	}
	names, err := layers(r.loop.path("cache", "a"))
	if err != nil || len(names) > maxLayers {
		t.Errorf("%v, %v", names, err)
	}
	r.holds("count=20 f19=x f20=x")
	if left, _ := filepath.Glob(r.loop.path("cache", "a", "[a-z]*")); len(left) != 1 { // the stack's name
		t.Errorf("left behind: %v", left)
	}
}

func TestAnotherStackOrAPurgeEmptiesTheCache(t *testing.T) {
	r := newCacheRig(t)
	r.build(true, func(dir string) { r.write(dir, "a", "1") })
	r.stack = "heroku-24"
	r.holds("")
	r.build(true, func(dir string) { r.write(dir, "a", "2") })
	r.holds("a=2")
	if err := r.loop.PurgeCache("a"); err != nil {
		t.Fatal(err)
	}
	r.holds("")
}

func TestAPurgeWhileABuildRunsIsNotUndoneByIt(t *testing.T) {
	r := newCacheRig(t)
	r.build(true, func(dir string) { must(t, os.WriteFile(filepath.Join(dir, "old"), nil, 0o644)) })
	r.build(true, func(dir string) {
		must(t, os.WriteFile(filepath.Join(dir, "new"), nil, 0o644))
		must(t, r.loop.PurgeCache(r.app.ID))
	})
	r.build(false, func(dir string) {
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("the cache holds %v", left)
		}
	})
}

func TestACrashWhileLayersAreJoinedLosesNothing(t *testing.T) {
	r := newCacheRig(t)
	for i := range maxLayers + 1 { // the last one joins
		r.build(true, func(dir string) {
			r.write(dir, "a", fmt.Sprint(i))
			r.write(dir, fmt.Sprint("old", i), "x")
			os.Remove(filepath.Join(dir, fmt.Sprint("old", i-1)))
		})
	}
	home := r.loop.path("cache", "a")
	for _, left := range []string{"000003/old3", "joined/half", "view/x"} { // as if killed before the old layers were gone
		r.write(home, left, "left")
	}
	r.holds("a=8 old8=x")
	if err := tidy(home); err != nil {
		t.Fatal(err)
	}
	if names, _ := filepath.Glob(home + "/*"); len(names) != 2 {
		t.Errorf("left behind: %v", names)
	}
	r.holds("a=8 old8=x")
}

func TestACacheThatIsDamagedBeginsAnew(t *testing.T) {
	r := newCacheRig(t)
	for _, damage := range []string{"", strings.Repeat("x", 1<<16)} { // a machine that failed leaves anything
		r.build(true, func(dir string) { r.write(dir, "a", "1") })
		r.build(true, func(dir string) { r.write(dir, "b", "2") })
		r.holds("a=1 b=2")
		must(t, os.WriteFile(r.loop.path("cache", "a", "000002"), []byte(damage), 0o600))
		r.holds("")
	}
	r.build(true, func(dir string) { r.write(dir, "c", "3") })
	r.holds("c=3")
}

// Builds end before the machine's disk is full: what they write would be lost otherwise.
func TestABuildEndsBeforeTheMachinesDiskIsFull(t *testing.T) {
	r := newCacheRig(t)
	builds := r.loop.path("builds")
	must(t, unix.Mount("tmpfs", builds, "tmpfs", 0, "size=48m,mode=711"))
	t.Cleanup(func() { must(t, errors.Join(sweep(filepath.Join(builds, "b")), unix.Unmount(builds, 0))) })
	a := &attempt{loop: r.loop, build: kigo.Build{ID: "b"}}
	must(t, os.Mkdir(filepath.Join(builds, "b"), 0o711))
	root, err := r.loop.newDisk(filepath.Join(builds, "b"), disk)
	must(t, err)
	f, err := os.Create(filepath.Join(root, "f"))
	must(t, err)
	defer f.Close()
	for written := 0; ; written++ {
		err := a.full()
		if errors.Is(err, syscall.ENOSPC) && written > 16 {
			return
		}
		must(t, err)
		_, err = f.Write(make([]byte, 1<<20))
		must(t, errors.Join(err, f.Sync()))
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
