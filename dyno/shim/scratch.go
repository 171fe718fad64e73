package shim

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo/internal/loop"
)

// scratch makes the disk folder. When its size is limited it is a file system of
// that size in a sparse file: the one kind of quota that works on every host.
func scratch(size int64, folder string) error {
	if err := os.Mkdir(folder, 0o711); err != nil {
		return fmt.Errorf("make disk: %w", err)
	}
	if size <= 0 {
		return nil
	}
	file := folder + ".img"
	if err := makeFileSystem(file, size); err != nil {
		return fmt.Errorf("make scratch disk: %w", err)
	}
	if err := mountLoop(file, folder); err != nil {
		return fmt.Errorf("mount scratch disk: %w", err)
	}
	return os.Chmod(folder, 0o711)
}

func makeFileSystem(file string, size int64) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = errors.Join(f.Truncate(size), f.Close())
	if err != nil {
		return err
	}
	// No journal, no early discard: it lives as long as its dyno.
	out, err := exec.Command("mkfs.ext4", "-q", "-F", "-m", "0", "-O", "^has_journal", "-E", "lazy_itable_init=1,nodiscard", file).CombinedOutput()
	if err != nil {
		return fmt.Errorf("mkfs.ext4: %w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

// mountLoop mounts a file through a loop device, which frees itself after the
// unmount.
func mountLoop(file, folder string) error {
	device, err := loop.Attach(file, false)
	if err != nil {
		return err
	}
	return errors.Join(unix.Mount(device.Name(), folder, "ext4", unix.MS_NOSUID|unix.MS_NODEV, ""), device.Close())
}
