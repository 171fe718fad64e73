package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo/internal/atomicfile"
)

// shelf is a folder of built images by their inputs, locked for one builder: the
// shared cache or, where there is none, a folder that keeps nothing.
type shelf struct {
	dir  string
	lock *os.File
	keep bool
}

// openShelf waits until no other process builds on it.
func openShelf(ctx context.Context, o Options) (*shelf, error) {
	dir := o.Cache
	if dir == "" {
		dir = filepath.Join(o.Dir, "shelf")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make stack folder: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, o.inputs()+".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock stack folder: %w", err)
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		select {
		case <-ctx.Done():
			lock.Close()
			return nil, context.Cause(ctx)
		case <-tick.C:
		}
	}
	return &shelf{dir: dir, lock: lock, keep: o.Cache != ""}, nil
}

// clear removes an image that was taken from a shelf that keeps nothing.
func (s *shelf) clear(o Options) error {
	if s.keep {
		return nil
	}
	if err := errors.Join(os.Remove(s.about(o)), os.Remove(s.image(o))); err != nil {
		return fmt.Errorf("clear shelf: %w", err)
	}
	return nil
}

func (s *shelf) close() { s.lock.Close() }

func (s *shelf) image(o Options) string { return filepath.Join(s.dir, o.inputs()+".erofs") }
func (s *shelf) about(o Options) string { return filepath.Join(s.dir, o.inputs()+".json") }

// find gives the description of an image that is there and whole.
func (s *shelf) find(o Options) (Info, bool) {
	data, err := os.ReadFile(s.about(o))
	if err != nil {
		return Info{}, false
	}
	var info Info
	if err := json.Unmarshal(data, &info); err != nil {
		return Info{}, false
	}
	f, err := os.Open(s.image(o))
	if err != nil {
		return Info{}, false
	}
	defer f.Close()
	digest, _, err := digestOf(f)
	info.Name, info.Variant = o.Name, o.Variant
	return info, err == nil && digest == info.Digest
}

// make builds an image onto the shelf. Its description comes last: without it
// the image is not there.
func (s *shelf) make(ctx context.Context, o Options) (Info, error) {
	if err := os.Remove(s.about(o)); err != nil && !os.IsNotExist(err) {
		return Info{}, fmt.Errorf("replace image: %w", err)
	}
	info, err := makeImage(ctx, o, s.image(o))
	if err != nil {
		return Info{}, err
	}
	if err := os.Chmod(s.image(o), 0o444); err != nil {
		return Info{}, fmt.Errorf("keep image: %w", err)
	}
	if err := writeJSON(s.about(o), info); err != nil {
		return Info{}, err
	}
	info.Name, info.Variant = o.Name, o.Variant
	return info, nil
}

func writeJSON(path string, info Info) error {
	data, err := json.MarshalIndent(info, "", "  ")
	if err != nil {
		return fmt.Errorf("describe stack: %w", err)
	}
	return atomicfile.Write(path, append(data, '\n'), 0o644)
}

// linkOrCopy puts the image of from at to: as another name of the same file where
// both are on one file system.
func linkOrCopy(from, to string) error {
	tmp := filepath.Join(filepath.Dir(to), atomicfile.Prefix+filepath.Base(to))
	os.Remove(tmp)
	if err := os.Link(from, tmp); err == nil {
		return atomicfile.Rename(tmp, to)
	}
	src, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("copy image: %w", err)
	}
	defer src.Close()
	dst, err := atomicfile.Create(filepath.Dir(to), 0o444)
	if err != nil {
		return fmt.Errorf("copy image: %w", err)
	}
	defer dst.Abort()
	if _, err := io.Copy(dst, src); err != nil {
		return fmt.Errorf("copy image: %w", err)
	}
	return dst.Commit(to)
}
