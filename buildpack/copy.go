package buildpack

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
)

// CopyFile copies a file and its permissions.
func CopyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	st, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, st.Mode().Perm())
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

// CopyTree copies a folder with its symbolic links as they are, but for the
// folders to skip; several files at a time, because node_modules has tens of
// thousands.
func CopyTree(from, to string, skip ...string) error {
	type job struct{ from, to string }
	jobs := make(chan job, 256)
	errs := make([]error, runtime.NumCPU())
	var wg sync.WaitGroup
	for w := range errs {
		wg.Go(func() {
			for j := range jobs {
				if errs[w] == nil {
					errs[w] = CopyFile(j.from, j.to)
				}
			}
		})
	}
	err := filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		switch {
		case d.IsDir():
			for _, s := range skip {
				if rel == s {
					return fs.SkipDir
				}
			}
			return os.MkdirAll(target, 0o755)
		case d.Type()&fs.ModeSymlink != 0:
			link, err := os.Readlink(name)
			if err != nil {
				return err
			}
			return os.Symlink(link, target)
		case d.Type().IsRegular():
			jobs <- job{name, target}
		}
		return nil
	})
	close(jobs)
	wg.Wait()
	return errors.Join(append(errs, err)...)
}
