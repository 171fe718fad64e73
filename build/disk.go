package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo/internal/loop"
)

// Disks of a build: file systems of Scratch bytes in files of the same names with .img, so
// that no build can write more, however fast (docs/decisions/0032-disks-of-builds.md).
const (
	disk      = "disk"       // the app and what is beside it
	cacheDisk = "cache-disk" // what it changes in the cache
	joinDisk  = "join-disk"  // layers of the cache that become one
)

// newDisk makes a disk of a build in dir, and returns its root.
func (l *Loop) newDisk(dir, name string) (string, error) {
	empty, err := l.EmptyDisk(l.Scratch)
	if err != nil {
		return "", err
	}
	root := filepath.Join(dir, name)
	if err := os.Mkdir(root, 0o755); err != nil {
		return "", err
	}
	return root, loop.NewDisk(empty, root+".img", root, loop.Plain)
}

// keepDisk ends a disk and moves it to where it is kept, whole even if the machine fails.
func keepDisk(root, as string) error {
	if err := loop.Settle(root); err != nil {
		return err
	}
	if err := unix.Unmount(root, unix.UMOUNT_NOFOLLOW); err != nil {
		return fmt.Errorf("unmount %s: %w", root, err)
	}
	file, err := os.Open(root + ".img")
	if err != nil {
		return err
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(root+".img", as)
}

// dropDisk ends a disk. What is on it is removed first, as far as that goes: it would be
// written out otherwise.
func dropDisk(root string) error {
	if _, err := os.Lstat(root); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if mounted(root) {
		_ = clearDisk(root)
	}
	return unmount(root)
}

// clearDisk removes all that is in a folder, on one file system. A build may have nested folders
// as deep as its disk has files, and os.RemoveAll holds each level open, until this process can
// open nothing any more. So folders are lifted to the top before they are removed.
func clearDisk(root string) error {
	top, err := os.Open(root)
	if err != nil {
		return err
	}
	defer top.Close()
	lifted := 0
	return eachName(top, func(name string) error {
		if err := unix.Unlinkat(int(top.Fd()), name, 0); !errors.Is(err, unix.EISDIR) {
			return err
		}
		fd, err := unix.Openat(int(top.Fd()), name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		dir := os.NewFile(uintptr(fd), name)
		defer dir.Close()
		err = eachName(dir, func(inner string) error {
			err := unix.Unlinkat(fd, inner, 0)
			if errors.Is(err, unix.EISDIR) {
				lifted++
				err = unix.Renameat(fd, inner, int(top.Fd()), fmt.Sprintf("lifted-%d", lifted))
			}
			return err
		})
		if err != nil {
			return err
		}
		return unix.Unlinkat(int(top.Fd()), name, unix.AT_REMOVEDIR)
	})
}

// eachName calls f, which takes a name away, until a folder is empty or there is an error.
func eachName(dir *os.File, f func(name string) error) error {
	for {
		names, err := dir.Readdirnames(1024)
		if errors.Is(err, io.EOF) {
			return nil
		}
		for _, name := range names {
			err = errors.Join(err, f(name))
		}
		if err != nil {
			return err
		}
		if _, err := dir.Seek(0, io.SeekStart); err != nil { // the rest may have moved
			return err
		}
	}
}

// measurePace is the time between two looks at a build's disks.
const measurePace = 250 * time.Millisecond

// full is how little space a disk has that counts as none.
const full = 64 << 10

// maxFiles is about how many files each disk holds.
func (l *Loop) maxFiles() int64 { return l.Scratch / (16 << 10) }

// measure ends a build whose disks are full, or without which the machine's would be.
func (a *attempt) measure(ctx context.Context, stop context.CancelCauseFunc) {
	tick := time.NewTicker(measurePace)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := a.full(); err != nil {
			stop(err)
			return
		}
	}
}

// full reports what has no room left: the build's disks, which are its own fault, or the
// machine's, with less left than builds leave to the rest of the platform.
func (a *attempt) full() error {
	dir := a.loop.path("builds", string(a.build.ID))
	var used int64
	for _, name := range []string{disk, cacheDisk} {
		root := filepath.Join(dir, name)
		if !mounted(root) {
			continue
		}
		var fs unix.Statfs_t
		if unix.Statfs(root, &fs) != nil {
			continue
		}
		if fs.Ffree == 0 {
			return errFiles
		}
		if used += int64(fs.Blocks-fs.Bfree) * fs.Bsize; int64(fs.Bavail)*fs.Bsize < full {
			return errFull
		}
	}
	var host unix.Statfs_t
	if used > a.loop.Scratch {
		return errFull
	}
	if unix.Statfs(a.loop.path("builds"), &host) == nil && used > evictable && int64(host.Bavail)*host.Bsize < hostReserve(int64(host.Blocks)*host.Bsize) {
		return fmt.Errorf("the machine's disk is almost full: %w", syscall.ENOSPC)
	}
	return nil
}

// evictable is the least that a build has written whose end would help.
const evictable = 16 << 20

// hostReserve is what builds leave of a disk of that many bytes: twice what dynos do, so that they
// end before any dyno has to.
func hostReserve(total int64) int64 { return min(total/25, 1<<30) }

// mounted reports whether a folder is the root of a file system of its own.
func mounted(dir string) bool {
	var here, above unix.Stat_t
	return unix.Lstat(dir, &here) == nil && unix.Lstat(filepath.Dir(dir), &above) == nil && here.Dev != above.Dev
}

// usage is the disk space of a folder. Nothing is opened but folders, and no link is
// followed.
func usage(dir string) (bytes int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d == nil {
			return nil //nolint:nilerr // it is gone by now
		}
		info, err := d.Info()
		if err != nil {
			return nil //nolint:nilerr // it is gone by now
		}
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			bytes += st.Blocks * 512
		}
		return nil
	})
	return bytes
}
