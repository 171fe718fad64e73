package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// lockFile is PATH.lock beside a SQLite file: held with flock by the process that
// has the database open, and remembering that the database has been made. The
// kernel lets go of it however the process ends.
type lockFile struct{ f *os.File }

func acquireLock(path string) (*lockFile, error) {
	f, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s is in use by another process: stop that one first", path)
		}
		return nil, fmt.Errorf("lock %s.lock: %w", path, err)
	}
	l := &lockFile{f}
	if err := l.guard(path); err != nil {
		return nil, errors.Join(err, l.release())
	}
	return l, nil
}

// guard refuses to make a new database where one has been before.
func (l *lockFile) guard(path string) error {
	info, err := l.f.Stat()
	if err != nil {
		return err
	}
	if info.Size() == 0 {
		return nil
	}
	db, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && db.Size() == 0 {
		return fmt.Errorf("%s: %w", path, errNotInitialised)
	}
	return err
}

func (l *lockFile) markInitialised() error {
	if l == nil {
		return nil
	}
	if _, err := l.f.WriteAt([]byte("initialised\n"), 0); err != nil {
		return fmt.Errorf("mark lock file: %w", err)
	}
	return l.f.Sync()
}

func (l *lockFile) release() error {
	if l == nil || l.f == nil {
		return nil
	}
	f := l.f
	l.f = nil
	return f.Close() // closing lets go of the lock
}
