package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo/slug"
)

// packing makes a slug of many files and mounts it, and does the same by tar.
func packing(ctx context.Context, disk string, files int) error {
	dir, err := os.MkdirTemp(disk, "slug-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	tree := filepath.Join(dir, "tree")
	if err := grow(tree, files); err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	store := &slug.Store{Dir: filepath.Join(dir, "slugs")}
	began := time.Now()
	res, err := store.Pack(ctx, tree, slug.Options{UID: 65534, Time: began, HardLimit: 1 << 40})
	if err != nil {
		return err
	}
	say("slug_pack", began)
	image, err := store.Path(res.Digest)
	if err != nil {
		return err
	}
	at := filepath.Join(dir, "mounted")
	if err := os.Mkdir(at, 0o755); err != nil {
		return err
	}
	began = time.Now()
	if err := unix.Mount(image, at, "erofs", unix.MS_RDONLY, ""); err != nil {
		return fmt.Errorf("mount slug: %w", err)
	}
	fmt.Printf("slug_mount_100k_files %.3f ms\n", float64(time.Since(began).Microseconds())/1000)
	if err := unix.Unmount(at, 0); err != nil {
		return err
	}
	archive := filepath.Join(dir, "slug.tgz")
	began = time.Now()
	if err := exec.CommandContext(ctx, "tar", "-C", tree, "-czf", archive, ".").Run(); err != nil {
		return fmt.Errorf("tar: %w", err)
	}
	say("targz_pack", began)
	began = time.Now()
	if err := exec.CommandContext(ctx, "tar", "-C", at, "-xzf", archive).Run(); err != nil {
		return fmt.Errorf("untar: %w", err)
	}
	say("targz_unpack", began)
	return nil
}

func say(figure string, began time.Time) {
	fmt.Printf("%s_100k_files %.3f s\n", figure, time.Since(began).Seconds())
}

// grow makes files as node_modules has them: small, in many folders.
func grow(dir string, files int) error {
	for n := range files {
		folder := filepath.Join(dir, fmt.Sprintf("node_modules/package-%04d/lib", n/40))
		if n%40 == 0 {
			if err := os.MkdirAll(folder, 0o755); err != nil {
				return err
			}
		}
		text := fmt.Appendf(nil, "// file %d\n", n)
		for len(text) < 200+n%4000 {
			text = fmt.Appendf(text, "exports.value%d = function (a, b) { return a * %d + b; };\n", len(text), n*len(text)%7919)
		}
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%d.js", n)), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
