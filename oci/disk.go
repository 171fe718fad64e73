package oci

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/dyno/shim"
)

// disks keeps an empty file system for each size of disk that launches have asked
// for, in DIR/disks. A shim copies it and mounts the copy: a sparse file of a
// few hundred kilobytes, which takes about as long as making a folder does
// (docs/decisions/0013-disks-of-dynos.md).
type disks struct {
	dir string

	mu   sync.Mutex
	made map[int64]string
}

// diskFeatures are named one by one: what the host's mkfs.ext4 prefers may be
// newer than the kernel. No journal: a disk lives no longer than its dyno. No
// room for growth, which would be a megabyte to copy.
const diskFeatures = "none,ext_attr,dir_index,filetype,extent,flex_bg,sparse_super,large_file,huge_file,uninit_bg,dir_nlink,extra_isize"

// bytesPerInode bounds how many files a disk holds: 65,536 for each GiB.
const bytesPerInode = 16 << 10

// EmptyDisk returns the file of an empty ext4 file system of a size, of which copies are
// disks (internal/loop).
func (e *Engine) EmptyDisk(size int64) (string, error) { return e.disks.template(size) }

// template returns the empty file system of a size; "" for 0, a disk without a limit.
func (d *disks) template(size int64) (string, error) {
	if size <= 0 {
		return "", nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if path := d.made[size]; path != "" {
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	path := filepath.Join(d.dir, "ext4-"+strconv.FormatInt(size, 10))
	if err := makeDisk(path, size); err != nil {
		return "", fmt.Errorf("make a disk of %d MB: %w", size>>20, err)
	}
	if d.made == nil {
		d.made = map[int64]string{}
	}
	d.made[size] = path
	return path, nil
}

func makeDisk(path string, size int64) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	program, err := findMkfs()
	if err != nil {
		return err
	}
	tmp := path + ".new"
	f, err := os.Create(tmp)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Truncate(size), f.Close()); err != nil {
		return err
	}
	out, err := exec.Command(program, "-q", "-F", "-b", "4096", "-I", "256", "-i", strconv.Itoa(bytesPerInode), "-m", "0", "-e", "continue",
		"-O", diskFeatures, "-E", "lazy_itable_init=1,nodiscard", tmp).CombinedOutput()
	if err != nil {
		return fmt.Errorf("mkfs.ext4: %w: %s", err, bytes.TrimSpace(out))
	}
	return os.Rename(tmp, path)
}

func findMkfs() (string, error) {
	for _, name := range []string{"mkfs.ext4", "/usr/sbin/mkfs.ext4", "/sbin/mkfs.ext4"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("no mkfs.ext4 on this machine: install e2fsprogs")
}

// diskReserve is how much of the data folder's disk stays free for the platform.
// Disks of dynos are sparse, and together larger than the machine's: when what is
// left is less, the launch that takes most ends.
func diskReserve(total int64) int64 { return min(total/50, 512<<20) }

// guardDisk ends the launch with the largest disk when the machine's is almost full.
func (e *Engine) guardDisk() {
	var fs unix.Statfs_t
	if unix.Statfs(e.dynos(), &fs) != nil {
		return
	}
	total, free := int64(fs.Blocks)*fs.Bsize, int64(fs.Bavail)*fs.Bsize
	if e.config.Free != nil {
		free = e.config.Free()
	}
	if free >= diskReserve(total) {
		return
	}
	id, size := e.largestDisk()
	if id == "" {
		return
	}
	e.config.Log.Error("disk almost full: ending the dyno that takes most of it", "dyno", id, "bytes", size, "free", free)
	conn, err := order(e.bundle(id), "evict")
	if err != nil { // a shim from before there was such a request
		conn, err = order(e.bundle(id), "kill")
	}
	if err != nil {
		e.config.Log.Error("dyno cannot be ended", "dyno", id, "error", err)
		return
	}
	_ = conn.Close()
}

// evictable is the least size of a disk whose end would help.
const evictable = 16 << 20

func (e *Engine) largestDisk() (id kigo.DynoID, size int64) {
	for _, s := range e.table.all() {
		if s.Ended() {
			continue
		}
		var st unix.Stat_t
		if unix.Stat(filepath.Join(e.bundle(s.ID), shim.DiskFile), &st) != nil {
			continue
		}
		if used := st.Blocks * 512; used > max(size, evictable) {
			id, size = s.ID, used
		}
	}
	return id, size
}

// diskUse reads how full a launch's disk is. /tmp is a mount on a read-only root,
// so that no link of the dyno's can lead elsewhere.
func diskUse(pid int) (used, size int64, files, maxFiles int64) {
	fd, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/root", unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, 0, 0, 0
	}
	defer func() { _ = unix.Close(fd) }()
	tmp, err := unix.Openat2(fd, "tmp", &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_BENEATH})
	if err != nil {
		return 0, 0, 0, 0
	}
	defer func() { _ = unix.Close(tmp) }()
	var fs unix.Statfs_t
	if unix.Fstatfs(tmp, &fs) != nil {
		return 0, 0, 0, 0
	}
	size = int64(fs.Blocks) * fs.Bsize
	return size - int64(fs.Bavail)*fs.Bsize, size, int64(fs.Files) - int64(fs.Ffree), int64(fs.Files)
}
