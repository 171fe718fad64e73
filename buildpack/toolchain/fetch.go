package toolchain

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// fetchLimit bounds one fetch: a registry that is slow, not one that is down.
const fetchLimit = 4 * time.Minute

// Fetch puts a tool into dir, which is empty and on the disk where it will stay,
// and returns the checksum that was checked. The checksum is also left in the
// file .checksum.
func Fetch(ctx context.Context, t Tool, dir string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchLimit)
	defer cancel()
	sum, err := fetchFrom(ctx, t, dir)
	if err != nil && t.Kind != "gostd" && os.Getenv(MirrorVar) != "" && ctx.Err() == nil {
		if rerr := empty(dir); rerr != nil {
			return "", rerr
		}
		var merr error
		if sum, merr = fetchMirror(ctx, t, dir); merr == nil {
			err = nil
		} else {
			err = fmt.Errorf("%w; the operator's mirror: %w", err, merr)
		}
	}
	if err != nil {
		return "", fmt.Errorf("fetch %s %s: %w", t.Kind, t.Version, err)
	}
	return sum, os.WriteFile(filepath.Join(dir, ".checksum"), []byte(sum+"\n"), 0o644)
}

// fetchFrom asks a tool's own source.
func fetchFrom(ctx context.Context, t Tool, dir string) (string, error) {
	_, ofDebian := debianTools[t.Kind]
	switch {
	case t.Kind == "go":
		return fetchGo(ctx, t.Version, dir)
	case t.Kind == "gostd":
		return compileGo(ctx, t.Version, dir)
	case ofDebian:
		return fetchDebian(ctx, t, dir)
	default:
		return fetchNPM(ctx, t, dir)
	}
}

// empty removes what a source that failed has left; the folder itself may be a
// mount point.
func empty(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return err
}
