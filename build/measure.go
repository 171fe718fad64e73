package build

import (
	"context"
	"io/fs"
	"path/filepath"
	"syscall"
	"time"
)

// measurePace is the least time between two looks at what a build has written.
const measurePace = time.Second

// measure ends a build that writes more than its share of the disk. What it writes
// into the app, its cache and beside them lies in folders of the host, which
// the engine does not bound.
func (a *attempt) measure(ctx context.Context, stop context.CancelCauseFunc) {
	folder := a.loop.path("builds", string(a.build.ID))
	for pause := measurePace; ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		began := time.Now()
		var used int64
		for _, part := range []string{"tree", "codon", "cache-layer"} {
			used += usage(ctx, filepath.Join(folder, part))
		}
		if used > a.loop.Scratch {
			stop(errFull)
			return
		}
		pause = max(measurePace, 20*time.Since(began)) // a large app must not keep a processor busy
	}
}

// usage is the disk space of a folder that changes meanwhile. Nothing is opened
// but folders, and no link is followed.
func usage(ctx context.Context, dir string) (bytes int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil || d == nil {
			return nil //nolint:nilerr // it is gone by now
		}
		info, err := d.Info()
		if err != nil {
			return nil //nolint:nilerr // it is gone by now
		}
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			bytes += st.Blocks * 512
		}
		return nil
	})
	return bytes
}
