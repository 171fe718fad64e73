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
	"github.com/kigo-dev/kigo/slug"
)

// cache is an app's CACHE_DIR for one build. It is kept as layers, newest last:
//
//	cache/APPID/000001  the first build's files
//	cache/APPID/000002  what the second one changed
//	cache/APPID/000009-full  all until then joined into one: older ones do not count
//	cache/APPID/stack        which stack they were made on
//
// A build sees an overlay of all of them and writes into a layer of its own,
// which one rename adopts when the build succeeded, and which is thrown away
// otherwise. So neither start nor end costs a copy, and a crash leaves either
// the old cache or the new one.
type cache struct {
	dir     string      // what the build sees
	home    string      // cache/APPID
	opened  os.FileInfo // of home: another folder is there once the cache was purged
	upper   string      // this build's layer
	work    string
	layers  []string
	mounted bool
	stack   string
	uid     int
}

// maxLayers is when layers are joined into one.
const maxLayers = 8

// openCache prepares CACHE_DIR below dir.
func (l *Loop) openCache(app kigo.App, stack, dir string) (*cache, error) {
	c := &cache{home: l.path("cache", string(app.ID)), upper: filepath.Join(dir, "cache-layer"), work: filepath.Join(dir, "cache-work"),
		stack: stack, uid: int(slug.AppUID(app.UIDBase))}
	if err := os.MkdirAll(c.home, 0o711); err != nil {
		return nil, fmt.Errorf("open cache: %w", err)
	}
	if have, err := os.ReadFile(filepath.Join(c.home, "stack")); err == nil && string(have) != stack {
		if err := l.PurgeCache(app.ID); err != nil {
			return nil, err
		}
	}
	var err error
	if c.opened, err = os.Stat(c.home); err != nil {
		return nil, fmt.Errorf("open cache: %w", err)
	}
	if c.layers, err = layers(c.home); err != nil {
		return nil, fmt.Errorf("open cache: %w", err)
	}
	for _, d := range []string{c.upper, c.work} {
		if err := os.Mkdir(d, 0o755); err != nil {
			return nil, fmt.Errorf("open cache: %w", err)
		}
		if err := os.Chown(d, c.uid, c.uid); err != nil {
			return nil, fmt.Errorf("open cache: %w", err)
		}
	}
	if len(c.layers) == 0 {
		c.dir = c.upper
		return c, nil
	}
	return c, c.mount(dir)
}

// mount shows the layers as one. A change of a file's times alone, which the go
// command makes often, must not copy the file (metacopy).
func (c *cache) mount(dir string) error {
	c.dir = filepath.Join(dir, "cache")
	if err := os.Mkdir(c.dir, 0o755); err != nil {
		return fmt.Errorf("mount cache: %w", err)
	}
	options := "lowerdir=" + strings.Join(c.newestFirst(), ":") + ",upperdir=" + c.upper + ",workdir=" + c.work + ",metacopy=on,redirect_dir=on"
	if err := unix.Mount("overlay", c.dir, "overlay", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		return fmt.Errorf("mount cache: %w", err)
	}
	c.mounted = true
	return nil
}

func (c *cache) newestFirst() []string {
	var dirs []string
	for _, name := range slices.Backward(c.layers) {
		dirs = append(dirs, filepath.Join(c.home, name))
	}
	return dirs
}

// full marks a layer that holds all that older ones showed.
const full = "-full"

// layers lists the layers of a cache that count, oldest first.
func layers(home string) ([]string, error) {
	entries, err := os.ReadDir(home)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		number, joined := strings.CutSuffix(e.Name(), full)
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
	if err := os.Rename(c.upper, filepath.Join(c.home, name)); err != nil {
		return fmt.Errorf("keep cache: %w", err)
	}
	if c.layers = append(c.layers, name); len(c.layers) > maxLayers {
		return c.join(next + 1)
	}
	return nil
}

// purged reports whether the cache was purged while the build ran.
func (c *cache) purged() bool {
	now, err := os.Stat(c.home)
	return err != nil || !os.SameFile(c.opened, now)
}

func (c *cache) empty() bool {
	entries, err := os.ReadDir(c.upper)
	return err == nil && len(entries) == 0
}

// join copies what all layers show into one, as the app's own user, and drops
// the others. Until the rename the old ones count, and none of them after it.
func (c *cache) join(number int) error {
	view, joined := c.home+"/view", c.home+"/joined"
	for _, dir := range []string{view, joined} {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("join cache: %w", err)
		}
		if err := os.Mkdir(dir, 0o755); err != nil {
			return fmt.Errorf("join cache: %w", err)
		}
		if err := os.Chown(dir, c.uid, c.uid); err != nil {
			return fmt.Errorf("join cache: %w", err)
		}
	}
	options := "lowerdir=" + strings.Join(c.newestFirst(), ":") + ",metacopy=on,redirect_dir=follow"
	if err := unix.Mount("overlay", view, "overlay", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_RDONLY, options); err != nil {
		return fmt.Errorf("join cache: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "cp", "--archive", "--reflink=auto", "--", view+"/.", joined)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(c.uid), Gid: uint32(c.uid)}}
	out, err := cmd.CombinedOutput()
	if uerr := unmount(view); err == nil {
		err = uerr
	}
	if err != nil {
		return fmt.Errorf("join cache: %w: %.200s", err, out)
	}
	if err := os.Rename(joined, filepath.Join(c.home, fmt.Sprintf("%06d"+full, number))); err != nil {
		return fmt.Errorf("join cache: %w", err)
	}
	for _, name := range c.layers {
		if err := os.RemoveAll(filepath.Join(c.home, name)); err != nil {
			return fmt.Errorf("join cache: %w", err)
		}
	}
	return os.Remove(view)
}

// tidy removes what a crash while layers were being joined has left.
func tidy(home string) error {
	view := filepath.Join(home, "view")
	if err := unmount(view); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
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
	used := usage(context.Background(), c.home)
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
