package oci

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/internal/loop"
)

const erofsMagic = 0xe0f5e1e2

// images mounts each image once, read-only, at DIR/mounts/HEX: all that use it
// share its page cache, and a new engine finds the mounts again.
type images struct {
	dir  string
	find func(digest string) (string, error)

	mu sync.Mutex
}

func (i *images) folder(digest string) (string, error) {
	hex, ok := strings.CutPrefix(digest, "sha256:")
	if !ok || len(hex) != 64 || strings.Trim(hex, "0123456789abcdef") != "" {
		return "", fmt.Errorf("mount image: %q is not a digest", digest)
	}
	return filepath.Join(i.dir, hex), nil
}

// mount returns where the image is mounted; "" for the zero Image.
func (i *images) mount(image kigo.Image) (string, error) {
	if image.Digest == "" {
		return "", nil
	}
	folder, err := i.folder(image.Digest)
	if err != nil {
		return "", err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if mounted(folder) {
		return folder, nil
	}
	file, err := i.find(image.Digest)
	if err != nil {
		return "", fmt.Errorf("find image %s: %w", image.Digest, err)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", fmt.Errorf("make mount point: %w", err)
	}
	if err := mountErofs(file, folder); err != nil {
		return "", fmt.Errorf("mount image %s: %w", image.Digest, err)
	}
	return folder, nil
}

func mounted(folder string) bool {
	var st unix.Statfs_t
	return unix.Statfs(folder, &st) == nil && uint32(st.Type) == erofsMagic
}

// mountErofs mounts an image from its file, or through a loop device on kernels
// before 6.12, which cannot.
func mountErofs(file, folder string) error {
	err := mountErofsFrom(file, folder)
	if errors.Is(err, unix.ENOTBLK) {
		return mountErofsLoop(file, folder)
	}
	return err
}

func mountErofsLoop(file, folder string) error {
	device, err := loop.Attach(file, true)
	if err != nil {
		return fmt.Errorf("attach image: %w", err)
	}
	return errors.Join(mountErofsFrom(device.Name(), folder), device.Close())
}

func mountErofsFrom(source, folder string) error {
	fs, err := unix.Fsopen("erofs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return fmt.Errorf("open erofs: %w", err)
	}
	defer func() { _ = unix.Close(fs) }()
	if err := unix.FsconfigSetString(fs, "source", source); err != nil {
		return fmt.Errorf("set source: %w", err)
	}
	_ = unix.FsconfigSetFlag(fs, "ro")
	if err := unix.FsconfigCreate(fs); err != nil {
		return err
	}
	fd, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_RDONLY|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOSUID)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	return unix.MoveMount(fd, "", unix.AT_FDCWD, folder, unix.MOVE_MOUNT_F_EMPTY_PATH)
}

// Prepare mounts images so that a Start with them is quick.
func (e *Engine) Prepare(ctx context.Context, images ...kigo.Image) error {
	for _, image := range images {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := e.images.mount(image); err != nil {
			return err
		}
	}
	return nil
}

// Forget unmounts an image that no future launch needs, so that its file may be
// deleted. Dynos that run on it keep it.
func (e *Engine) Forget(image kigo.Image) error {
	folder, err := e.images.folder(image.Digest)
	if err != nil {
		return err
	}
	e.images.mu.Lock()
	defer e.images.mu.Unlock()
	if mounted(folder) {
		if err := unix.Unmount(folder, unix.MNT_DETACH); err != nil {
			return fmt.Errorf("unmount image %s: %w", image.Digest, err)
		}
	}
	_ = os.Remove(folder)
	return nil
}
