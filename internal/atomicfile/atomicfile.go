// Package atomicfile writes files so that a reader, or a machine that lost
// power, sees either the whole old file or the whole new one, never a part.
//
// It promises the four steps in their order: write to a temporary file in the
// same folder, fsync it, rename it over the target, fsync the folder. Start with
// Write; Create is for content that comes as a stream.
package atomicfile

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Prefix starts the name of every temporary file, so that what a crash left
// behind can be told from content; see Sweep.
const Prefix = ".tmp-"

// Write replaces path with data. Its mode is perm whatever the umask.
func Write(path string, data []byte, perm fs.FileMode) error {
	f, err := Create(filepath.Dir(path), perm)
	if err != nil {
		return err
	}
	defer f.Abort()
	if _, err := f.Write(data); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return f.Commit(path)
}

// File is a temporary file that becomes a real one by Commit.
type File struct {
	*os.File
	done bool
}

// Create opens a temporary file in dir, which must be the folder, or at least on
// the file system, of the name that Commit will be given.
func Create(dir string, perm fs.FileMode) (*File, error) {
	f, err := os.CreateTemp(dir, Prefix)
	if err != nil {
		return nil, fmt.Errorf("create temporary file: %w", err)
	}
	if err := f.Chmod(perm); err != nil {
		f.Close()
		os.Remove(f.Name())
		return nil, fmt.Errorf("set mode of temporary file: %w", err)
	}
	return &File{File: f}, nil
}

// Commit makes the content durable under path and closes the file.
func (f *File) Commit(path string) error {
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", path, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("close %s: %w", path, err)
	}
	if err := Rename(f.Name(), path); err != nil {
		return err
	}
	f.done = true
	return nil
}

// Abort closes and removes the temporary file. After Commit it does nothing, so
// that it can be deferred.
func (f *File) Abort() {
	if f.done {
		return
	}
	f.done = true
	f.Close()
	os.Remove(f.Name())
}

// Rename moves a file whose content is already durable to path and makes the new
// name durable.
func Rename(from, path string) error {
	if err := os.Rename(from, path); err != nil {
		return fmt.Errorf("rename to %s: %w", path, err)
	}
	return SyncDir(filepath.Dir(path))
}

// SyncDir makes the names in dir durable.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("open folder: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync folder %s: %w", dir, err)
	}
	return nil
}

// Sweep removes the temporary files that a crash left in dir. Call it at start,
// before anything writes there. A folder that does not exist is swept.
func Sweep(dir string) error {
	left, err := filepath.Glob(filepath.Join(dir, Prefix+"*"))
	if err != nil {
		return fmt.Errorf("list %s: %w", dir, err)
	}
	for _, name := range left {
		if err := os.Remove(name); err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("remove left-over: %w", err)
		}
	}
	return nil
}
