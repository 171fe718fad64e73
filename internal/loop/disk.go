package loop

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Options of disks that are written to. Nothing waits for the host's disk: nobody trusts
// one of these after a crash. Discard gives back to the host at once what is deleted, which
// makes deleting many files slow.
const (
	Plain   = "noinit_itable,nobarrier"
	Discard = Plain + ",discard"
)

// NewDisk makes file a sparse copy of template, an empty ext4 file system, and mounts it
// on folder.
func NewDisk(template, file, folder, options string) error {
	if err := copySparse(template, file); err != nil {
		return fmt.Errorf("copy empty disk: %w", err)
	}
	return mount(file, folder, 0, options)
}

// Read mounts the ext4 file system in a file, which cannot be written to meanwhile.
func Read(file, folder string) error { return mount(file, folder, unix.MS_RDONLY, "") }

// mount mounts through a loop device, which frees itself after the unmount.
func mount(file, folder string, flags uintptr, options string) error {
	device, err := Attach(file, flags&unix.MS_RDONLY != 0)
	if err != nil {
		return fmt.Errorf("mount disk: %w", err)
	}
	if err := errors.Join(unix.Mount(device.Name(), folder, "ext4", flags|unix.MS_NOSUID|unix.MS_NODEV, options), device.Close()); err != nil {
		return fmt.Errorf("mount disk: %w", err)
	}
	return nil
}

// Settle makes a disk that is mounted on folder one for readers, whole in its file: what
// was deleted is given back to the host, and nobody can write to it any more. It fails
// while somebody does.
func Settle(folder string) error {
	if err := trim(folder); err != nil {
		return fmt.Errorf("settle disk: %w", err)
	}
	if err := unix.Mount("", folder, "", unix.MS_REMOUNT|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, ""); err != nil {
		return fmt.Errorf("settle disk: %w", err)
	}
	return nil
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
			if errors.Is(err, unix.EXDEV) {
				n, err = copyBytes(source, &in, target, &out, end)
			}
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

// copyBytes is CopyFileRange between two file systems.
func copyBytes(source int, in *int64, target int, out *int64, end int64) (int, error) {
	b := make([]byte, min(end-*in, 1<<20))
	n, err := unix.Pread(source, b, *in)
	if err == nil {
		n, err = unix.Pwrite(target, b[:n], *out)
	}
	if err != nil {
		return 0, err
	}
	*in, *out = *in+int64(n), *out+int64(n)
	return n, nil
}

// fitrim is linux/fs.h's FITRIM, which has the same number on every architecture that
// numbers its ioctls the common way.
const fitrim = 0xc0185879

// trim gives back to the host what of a file system's blocks is not used. A host whose
// file system takes nothing back keeps it.
func trim(folder string) error {
	dir, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer dir.Close()
	all := struct{ start, length, least uint64 }{length: 1<<64 - 1}
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, dir.Fd(), fitrim, uintptr(unsafe.Pointer(&all)))
	if errno != 0 && errno != unix.EOPNOTSUPP {
		return fmt.Errorf("trim: %w", errno)
	}
	return nil
}
