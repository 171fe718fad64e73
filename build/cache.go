package build

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/internal/loop"
	"github.com/kigo-dev/kigo/slug"
)

// cache is an app's CACHE_DIR for one build. It is kept as layers, newest last:
//
//	cache/APPID/000001  a file system with the first build's files
//	cache/APPID/000002  what the second one changed
//	cache/APPID/000009-full  all until then joined into one: older ones do not count
//	cache/APPID/stack        which stack they were made on
//
// A build sees an overlay of all of them and writes into a layer of its own, on a
// disk that one rename adopts when the build succeeded, and which is thrown away
// otherwise. So neither start nor end costs a copy, and a crash leaves either
// the old cache or the new one.
type cache struct {
	loop    *Loop
	dir     string      // what the build sees
	home    string      // cache/APPID
	place   string      // builds/ID, where all is mounted
	opened  os.FileInfo // of home: another folder is there once the cache was purged
	disk    string      // of this build's layer
	layers  []string
	lower   []string // the layers' roots, where they are mounted
	mounted bool
	stack   string
	uid     int
}

// content is the folder of a cache's disk that has the files.
const content = "layer"

// maxLayers is when layers are joined into one.
const maxLayers = 8

// openCache prepares CACHE_DIR below dir.
func (l *Loop) openCache(app kigo.App, stack, dir string) (*cache, error) {
	c := &cache{loop: l, home: l.path("cache", string(app.ID)), place: dir, stack: stack, uid: int(slug.AppUID(app.UIDBase))}
	if err := os.MkdirAll(c.home, 0o711); err != nil {
		return nil, fmt.Errorf("open cache: %w", err)
	}
	if have, err := os.ReadFile(filepath.Join(c.home, "stack")); err == nil && string(have) != stack {
		if err := l.PurgeCache(app.ID); err != nil {
			return nil, err
		}
	}
	err := c.attachAll()
	if err != nil { // a machine that failed may have left anything
		l.Log.Error("build cache cannot be read and is dropped", "app", app.ID, "err", err)
		if err := errors.Join(c.detachAll(), l.PurgeCache(app.ID)); err != nil {
			return nil, err
		}
		err = c.attachAll()
	}
	if err != nil {
		return nil, fmt.Errorf("open cache: %w", err)
	}
	if c.disk, err = l.newDisk(dir, cacheDisk); err != nil {
		return nil, fmt.Errorf("open cache: %w", err)
	}
	for _, d := range []string{content, "work"} {
		if err := c.folder(c.disk, d); err != nil {
			return nil, fmt.Errorf("open cache: %w", err)
		}
	}
	if len(c.layers) == 0 {
		c.dir = filepath.Join(c.disk, content)
		return c, nil
	}
	return c, c.mount()
}

// folder makes a folder of the app's.
func (c *cache) folder(root, name string) error {
	dir := filepath.Join(root, name)
	return errors.Join(os.Mkdir(dir, 0o755), os.Chown(dir, c.uid, c.uid))
}

// attachAll mounts the layers that there are.
func (c *cache) attachAll() (err error) {
	c.layers, c.lower = nil, nil
	if c.opened, err = os.Stat(c.home); err != nil {
		return err
	}
	names, err := layers(c.home)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := c.attach(name); err != nil {
			return err
		}
	}
	return nil
}

func (c *cache) attach(name string) error {
	root := filepath.Join(c.place, layersDir, name)
	if err := os.MkdirAll(root, 0o711); err != nil {
		return err
	}
	if err := loop.Read(filepath.Join(c.home, name), root); err != nil {
		return fmt.Errorf("layer %s: %w", name, err)
	}
	c.layers, c.lower = append(c.layers, name), append(c.lower, filepath.Join(root, content))
	if _, err := os.Stat(filepath.Join(root, content)); err != nil {
		return fmt.Errorf("layer %s: %w", name, err)
	}
	return nil
}

// layersDir is where layers are mounted, in a build's folder.
const layersDir = "layers"

func (c *cache) detachAll() error { return detachLayers(c.place) }

func detachLayers(place string) error {
	roots, err := filepath.Glob(filepath.Join(place, layersDir, "*"))
	for _, root := range roots {
		err = errors.Join(err, unmount(root), os.Remove(root))
	}
	return err
}

// mount shows the layers as one. A change of a file's times alone, which the go
// command makes often, must not copy the file (metacopy).
func (c *cache) mount() error {
	c.dir = filepath.Join(c.place, "cache")
	if err := os.Mkdir(c.dir, 0o755); err != nil {
		return fmt.Errorf("mount cache: %w", err)
	}
	options := "lowerdir=" + c.newestFirst() + ",upperdir=" + filepath.Join(c.disk, content) + ",workdir=" + filepath.Join(c.disk, "work") + ",metacopy=on,redirect_dir=on"
	if err := unix.Mount("overlay", c.dir, "overlay", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		return fmt.Errorf("mount cache: %w", err)
	}
	c.mounted = true
	return nil
}

func (c *cache) newestFirst() string {
	dirs := slices.Clone(c.lower)
	slices.Reverse(dirs)
	return strings.Join(dirs, ":")
}

// joinedSuffix marks a layer that holds all that older ones showed.
const joinedSuffix = "-full"

// layers lists the layers of a cache that count, oldest first.
func layers(home string) ([]string, error) {
	entries, err := os.ReadDir(home)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		number, joined := strings.CutSuffix(e.Name(), joinedSuffix)
		switch {
		case len(number) != 6 || strings.Trim(number, "0123456789") != "":
		case joined:
			names = []string{e.Name()}
		default:
			names = append(names, e.Name())
		}
	}
	return names, err
}

// close ends the build's view of the cache, keeping what it changed or not.
func (c *cache) close(keep bool) error {
	if c.mounted {
		if err := unmount(c.dir); err != nil {
			return err
		}
		c.mounted = false
	}
	if !keep || c.empty() || c.purged() {
		return nil
	}
	next := 1
	if n := len(c.layers); n > 0 {
		fmt.Sscanf(c.layers[n-1], "%d", &next) //nolint:errcheck // layers yields digits alone
		next++
	}
	name := fmt.Sprintf("%06d", next)
	if err := os.WriteFile(filepath.Join(c.home, "stack"), []byte(c.stack), 0o600); err != nil {
		return fmt.Errorf("keep cache: %w", err)
	}
	if err := os.RemoveAll(filepath.Join(c.disk, "work")); err != nil {
		return fmt.Errorf("keep cache: %w", err)
	}
	if err := keepDisk(c.disk, filepath.Join(c.home, name)); err != nil {
		return fmt.Errorf("keep cache: %w", err)
	}
	if len(c.layers)+1 > maxLayers {
		return errors.Join(c.attach(name), c.join(next+1))
	}
	return nil
}

// purged reports whether the cache was purged while the build ran.
func (c *cache) purged() bool {
	now, err := os.Stat(c.home)
	return err != nil || !os.SameFile(c.opened, now)
}

func (c *cache) empty() bool {
	entries, err := os.ReadDir(filepath.Join(c.disk, content))
	return err == nil && len(entries) == 0
}

// join copies what all layers show into one, as the app's own user, and drops
// the others. Until the rename the old ones count, and none of them after it.
func (c *cache) join(number int) error {
	joined, err := c.loop.newDisk(c.place, joinDisk)
	if err == nil {
		err = c.folder(joined, content)
	}
	if err != nil {
		return fmt.Errorf("join cache: %w", err)
	}
	view := filepath.Join(c.place, "view")
	if err := os.Mkdir(view, 0o755); err != nil {
		return fmt.Errorf("join cache: %w", err)
	}
	options := "lowerdir=" + c.newestFirst() + ",metacopy=on,redirect_dir=follow"
	if err := unix.Mount("overlay", view, "overlay", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_RDONLY, options); err != nil {
		return fmt.Errorf("join cache: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "cp", "--archive", "--", view+"/.", filepath.Join(joined, content))
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(c.uid), Gid: uint32(c.uid)}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("join cache: %w: %.200s", err, out)
	}
	if err := keepDisk(joined, filepath.Join(c.home, fmt.Sprintf("%06d"+joinedSuffix, number))); err != nil {
		return fmt.Errorf("join cache: %w", err)
	}
	for _, name := range c.layers {
		if err := os.Remove(filepath.Join(c.home, name)); err != nil {
			return fmt.Errorf("join cache: %w", err)
		}
	}
	return nil
}

// tidy removes what a crash after layers were joined has left.
func tidy(home string) error {
	count, err := layers(home)
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(home)
	for _, e := range entries {
		if e.Name() != "stack" && e.Name() != overFile && !slices.Contains(count, e.Name()) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(home, e.Name())))
		}
	}
	return err
}

// PurgeCache forgets what earlier builds of an app left for later ones.
func (l *Loop) PurgeCache(app kigo.AppID) error {
	home := l.path("cache", string(app))
	gone := l.path("builds", "purged-"+string(app))
	if err := os.RemoveAll(gone); err != nil {
		return fmt.Errorf("purge cache: %w", err)
	}
	if err := os.Rename(home, gone); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("purge cache: %w", err)
	}
	if err := os.MkdirAll(home, 0o711); err != nil {
		return fmt.Errorf("purge cache: %w", err)
	}
	return os.RemoveAll(gone)
}

// overFile tells the next build that the cache had become too large.
const overFile = "over"

// limitCache drops a cache that has grown past its share of the disk: what is in it
// can be fetched and made again.
func (l *Loop) limitCache(c *cache) error {
	used := usage(c.home)
	if used <= l.CacheSize {
		return nil
	}
	app := kigo.AppID(filepath.Base(c.home))
	l.Log.Info("build cache was too large and is dropped", "app", app, "bytes", used)
	return errors.Join(l.PurgeCache(app), os.WriteFile(filepath.Join(c.home, overFile), fmt.Append(nil, used>>20), 0o600))
}

// wasOver says once that the cache had become too large.
func (a *attempt) wasOver() {
	file := a.loop.path("cache", string(a.app.ID), overFile)
	if text, err := os.ReadFile(file); err == nil && os.Remove(file) == nil {
		a.say.Warn("The build cache had grown to %s MB, more than the %d MB of an app: it begins anew.", text, a.loop.CacheSize>>20)
	}
}

// Forget removes all that is kept for an app which is being destroyed.
func (l *Loop) Forget(app kigo.AppID) error {
	if err := os.RemoveAll(l.path("cache", string(app))); err != nil {
		return fmt.Errorf("forget cache: %w", err)
	}
	return nil
}

// unmount takes a mount away, at the latest when its last user is gone.
func unmount(dir string) error {
	err := unix.Unmount(dir, unix.UMOUNT_NOFOLLOW)
	if errors.Is(err, unix.EBUSY) {
		err = unix.Unmount(dir, unix.UMOUNT_NOFOLLOW|unix.MNT_DETACH)
	}
	if err != nil && !errors.Is(err, unix.EINVAL) { // EINVAL: nothing is mounted there
		return fmt.Errorf("unmount %s: %w", dir, err)
	}
	return nil
}
