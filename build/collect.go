package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/kigo-dev/kigo/buildpack/toolchain"
)

// Lives of toolchains. Those of Debian are fetched anew now and then, for their
// updates: their names say no more than Debian's own version.
const (
	toolLife   = 30 * 24 * time.Hour // after the last build that used it
	debianLife = 14 * 24 * time.Hour // after it was fetched
)

// usedFile lies in a tool's folder; its time is that of the last use.
const usedFile = ".used"

// use notes that a build works with a tool.
func (t *toolchains) use(tool toolchain.Tool) {
	file := filepath.Join(t.loop.path("toolchains", tool.Name()), usedFile)
	now := time.Now()
	if err := os.Chtimes(file, now, now); errors.Is(err, os.ErrNotExist) {
		_ = os.WriteFile(file, nil, 0o644) // the worst that can come of it is another fetch
	}
}

// Collect removes toolchains that have not been used for long, and those that are
// to be fetched anew, at a moment when no build runs.
func (l *Loop) Collect(ctx context.Context, now time.Time) (err error) {
	entries, rerr := os.ReadDir(l.path("toolchains"))
	if rerr != nil {
		return fmt.Errorf("list toolchains: %w", rerr)
	}
	for _, e := range entries {
		tool, perr := toolchain.ParseName(strings.TrimPrefix(e.Name(), "gostd-"))
		if perr != nil && !strings.HasPrefix(e.Name(), "gostd-") || ctx.Err() != nil || !l.stale(e.Name(), tool, now) {
			continue
		}
		gone := l.path("builds", "gone-"+e.Name())
		l.alone(func() { err = errors.Join(err, os.Rename(l.path("toolchains", e.Name()), gone)) })
		err = errors.Join(err, os.RemoveAll(gone))
		l.Log.InfoContext(ctx, "old toolchain removed", "tool", e.Name())
	}
	return err
}

func (l *Loop) stale(name string, tool toolchain.Tool, now time.Time) bool {
	dir := l.path("toolchains", name)
	fetched, err := os.Stat(filepath.Join(dir, ".checksum"))
	if err != nil {
		return false
	}
	if tool.OfDebian() && now.Sub(fetched.ModTime()) > debianLife {
		return true
	}
	last := fetched.ModTime()
	if used, err := os.Stat(filepath.Join(dir, usedFile)); err == nil && used.ModTime().After(last) {
		last = used.ModTime()
	}
	return now.Sub(last) > toolLife
}
