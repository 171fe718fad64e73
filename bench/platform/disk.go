package platform

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// diskSize is how large a Disk may become; it takes what is written to it.
const diskSize = 24 << 30

// Disk mounts a new ext4 as Debian makes it, for what a benchmark writes: one that
// has been written to all day, or has no journal, makes and removes files several
// times slower, more so from run to run. It is gone after free.
func Disk() (dir string, free func(), err error) {
	home, err := os.MkdirTemp("/var/tmp", "kigo-bench-disk-")
	if err != nil {
		return "", nil, err
	}
	image, dir := filepath.Join(home, "image"), filepath.Join(home, "mounted")
	err = errors.Join(os.Chmod(home, 0o711), os.Mkdir(dir, 0o711), os.WriteFile(image, nil, 0o600), os.Truncate(image, diskSize))
	if err != nil {
		return "", nil, err
	}
	for _, args := range [][]string{{"mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", image}, {"mount", "-o", "loop", image, dir}} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			return "", nil, fmt.Errorf("%s: %w: %s", args[0], err, out)
		}
	}
	return dir, func() {
		if err := errors.Join(unix.Unmount(dir, 0), os.RemoveAll(home)); err != nil {
			fmt.Fprintln(os.Stderr, "remove bench disk:", err)
		}
	}, os.Chmod(dir, 0o711)
}
