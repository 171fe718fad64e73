package shim

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo/internal/loop"
)

// DiskFile is the sparse file in the bundle that holds a limited disk.
const DiskFile = DiskFolder + ".img"

// scratch makes the disk folder. When its size is limited it is a copy of an
// empty file system of that size: the one kind of quota that works on every host.
func scratch(template, folder string) error {
	if err := os.Mkdir(folder, 0o711); err != nil {
		return fmt.Errorf("make disk: %w", err)
	}
	if template == "" {
		return nil
	}
	file := folder + ".img"
	if err := copySparse(template, file); err != nil {
		return fmt.Errorf("copy empty disk: %w", err)
	}
	if err := mountLoop(file, folder); err != nil {
		return fmt.Errorf("mount disk: %w", err)
	}
	return os.Chmod(folder, 0o711)
}

// copySparse copies what is not a hole. The kernel shares the blocks where the
// file system can.
func copySparse(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	info, err := source.Stat()
	if err == nil {
		err = target.Truncate(info.Size())
	}
	if err == nil {
		err = copyData(int(source.Fd()), int(target.Fd()), info.Size())
	}
	return errors.Join(err, target.Close())
}

func copyData(source, target int, size int64) error {
	for end := int64(0); end < size; {
		start, err := unix.Seek(source, end, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) { // holes up to the end
			return nil
		}
		if err != nil {
			return err
		}
		if end, err = unix.Seek(source, start, unix.SEEK_HOLE); err != nil {
			return err
		}
		for in, out := start, start; in < end; {
			n, err := unix.CopyFileRange(source, &in, target, &out, int(end-in), 0)
			if err != nil {
				return err
			}
			if n == 0 {
				return errors.New("the empty disk ends early")
			}
		}
	}
	return nil
}

// mountLoop mounts a file through a loop device, which frees itself after the
// unmount. What the dyno deletes is given back to the host; nothing waits for the
// host's disk, as nobody reads this one after a crash.
func mountLoop(file, folder string) error {
	device, err := loop.Attach(file, false)
	if err != nil {
		return err
	}
	err = unix.Mount(device.Name(), folder, "ext4", unix.MS_NOSUID|unix.MS_NODEV, "discard,noinit_itable,nobarrier")
	return errors.Join(err, device.Close())
}
