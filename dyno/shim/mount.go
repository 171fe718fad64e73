package shim

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo/internal/killpoint"
)

// dynoUser is the uid and gid of the dyno's processes within its own range.
const dynoUser = 1000

// stage builds the dyno's file systems on a small tmpfs that covers order.Stage
// in this mount namespace alone, where the container's root may reach them
// whatever the modes of the data folder's parents are.
func stage(order *Order, bundle string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return fmt.Errorf("leave mount propagation: %w", err)
	}
	if err := unix.Mount("kigo", order.Stage, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755,size=2m"); err != nil {
		return fmt.Errorf("mount stage: %w", err)
	}
	for _, name := range []string{StageRoot, StageApp, StageTmp, StageFiles, "stack", "slug", "bundle"} {
		if err := os.Mkdir(filepath.Join(order.Stage, name), 0o755); err != nil {
			return fmt.Errorf("make stage: %w", err)
		}
	}
	if err := stageFiles(order); err != nil {
		return err
	}
	disk := filepath.Join(bundle, DiskFolder)
	if err := scratch(order.Disk, disk); err != nil {
		return err
	}
	killpoint.At("shim-disk-mounted")
	if err := stageRoot(order, disk); err != nil {
		return fmt.Errorf("mount stack: %w", err)
	}
	killpoint.At("shim-root-mounted")
	if order.Posture.Sandbox {
		if err := stageMountPoints(order); err != nil {
			return err
		}
	}
	return stageFolders(order, disk)
}

// stageRoot makes the root: the stack, under a layer of the dyno's own on disk where
// it may be written to.
func stageRoot(order *Order, disk string) error {
	target := filepath.Join(order.Stage, StageRoot)
	if !order.Mutable {
		return idmapped(order.Stack, target)
	}
	lower, upper, work := filepath.Join(order.Stage, "stack"), filepath.Join(disk, "root"), filepath.Join(disk, "root-work")
	if err := idmapped(order.Stack, lower); err != nil {
		return err
	}
	var top unix.Stat_t // the layer's top folder is that of the root
	if err := unix.Stat(lower, &top); err != nil {
		return fmt.Errorf("look at its top folder: %w", err)
	}
	for _, dir := range []string{upper, work} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return fmt.Errorf("make its layer: %w", err)
		}
	}
	if err := errors.Join(unix.Chown(upper, int(top.Uid), int(top.Gid)), unix.Chmod(upper, top.Mode&0o7777)); err != nil {
		return fmt.Errorf("own its layer: %w", err)
	}
	return overlay(lower, upper, work, target)
}

// stageMountPoints makes what gVisor binds files to inside the folders that it makes
// itself: it looks for them in the root, which cannot be written.
func stageMountPoints(order *Order) error {
	var spec struct {
		Mounts []struct{ Destination, Type, Source string }
	}
	if err := json.Unmarshal(order.Spec, &spec); err != nil {
		return fmt.Errorf("read spec: %w", err)
	}
	root := filepath.Join(order.Stage, StageRoot)
	for _, m := range spec.Mounts {
		if m.Type != "tmpfs" || m.Destination != "/dev" && m.Destination != "/sys" {
			continue
		}
		if err := unix.Mount("kigo", filepath.Join(root, m.Destination), "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=755,size=64k"); err != nil {
			return fmt.Errorf("mount %s: %w", m.Destination, err)
		}
		for _, bind := range spec.Mounts {
			if bind.Type != "bind" || !strings.HasPrefix(bind.Destination, m.Destination+"/") {
				continue
			}
			path := filepath.Join(root, bind.Destination)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, nil, 0o644)); err != nil {
				return fmt.Errorf("make mount point: %w", err)
			}
		}
	}
	return nil
}

func stageFiles(order *Order) error {
	for name, text := range order.Files {
		if err := os.WriteFile(filepath.Join(order.Stage, StageFiles, name), []byte(text), 0o644); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	if err := os.WriteFile(filepath.Join(order.Stage, "bundle", "config.json"), order.Spec, 0o600); err != nil {
		return fmt.Errorf("write spec: %w", err)
	}
	net := filepath.Join(order.Stage, StageNet)
	if err := os.WriteFile(net, nil, 0o600); err != nil {
		return fmt.Errorf("make network mount point: %w", err)
	}
	if err := unix.Mount(fmt.Sprintf("/proc/self/fd/%d", fdNet), net, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind network namespace: %w", err)
	}
	return nil
}

// stageFolders makes /app and /tmp: the slug under a layer of the dyno's own, or
// an empty folder, both on disk below folder.
func stageFolders(order *Order, folder string) error {
	root, user := int(order.UIDBase), int(order.UIDBase)+dynoUser
	app, work, tmp := filepath.Join(folder, "app"), filepath.Join(folder, "work"), filepath.Join(folder, "tmp")
	for _, dir := range []string{app, work, tmp} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return fmt.Errorf("make disk: %w", err)
		}
	}
	if err := os.Chown(app, user, user); err != nil {
		return fmt.Errorf("own app folder: %w", err)
	}
	if err := os.Chown(tmp, root, root); err != nil {
		return fmt.Errorf("own tmp folder: %w", err)
	}
	if err := os.Chmod(tmp, 0o777|os.ModeSticky); err != nil {
		return fmt.Errorf("open tmp folder: %w", err)
	}
	if err := bind(tmp, filepath.Join(order.Stage, StageTmp)); err != nil {
		return fmt.Errorf("bind tmp folder: %w", err)
	}
	target := filepath.Join(order.Stage, StageApp)
	if order.Slug == "" {
		return bind(app, target)
	}
	lower := filepath.Join(order.Stage, "slug")
	if err := idmapped(order.Slug, lower); err != nil {
		return fmt.Errorf("mount slug: %w", err)
	}
	return overlay(lower, app, work, target)
}

func bind(source, target string) error {
	return unix.Mount(source, target, "", unix.MS_BIND, "")
}

// idmapped puts a read-only clone of the mount at source on target, its file
// owners shifted into the app's uid range. All clones share one page cache.
func idmapped(source, target string) error {
	fd, err := unix.OpenTree(unix.AT_FDCWD, source, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return fmt.Errorf("clone mount: %w", err)
	}
	defer func() { _ = unix.Close(fd) }()
	attr := unix.MountAttr{
		Attr_set:  unix.MOUNT_ATTR_IDMAP | unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV,
		Userns_fd: fdUser,
	}
	if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH, &attr); err != nil {
		return fmt.Errorf("map owners: %w", err)
	}
	return unix.MoveMount(fd, "", unix.AT_FDCWD, target, unix.MOVE_MOUNT_F_EMPTY_PATH)
}

// overlay mounts without mount(8)'s option string, in which a path may hold no comma.
func overlay(lower, upper, work, target string) error {
	fs, err := unix.Fsopen("overlay", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return fmt.Errorf("open overlay: %w", err)
	}
	defer func() { _ = unix.Close(fs) }()
	for _, option := range [][2]string{{"lowerdir", lower}, {"upperdir", upper}, {"workdir", work}} {
		if err := unix.FsconfigSetString(fs, option[0], option[1]); err != nil {
			return fmt.Errorf("set overlay %s: %w", option[0], err)
		}
	}
	_ = unix.FsconfigSetFlag(fs, "volatile") // the layer dies with the dyno: its fsyncs need not reach the disk
	if err := unix.FsconfigCreate(fs); err != nil {
		message := make([]byte, 256)
		n, _ := unix.Read(fs, message)
		return fmt.Errorf("make overlay: %w %s", err, message[:max(n, 0)])
	}
	fd, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV)
	if err != nil {
		return fmt.Errorf("mount overlay: %w", err)
	}
	defer func() { _ = unix.Close(fd) }()
	return unix.MoveMount(fd, "", unix.AT_FDCWD, target, unix.MOVE_MOUNT_F_EMPTY_PATH)
}
