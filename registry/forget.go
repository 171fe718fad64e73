package registry

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// uploadLife is how long an upload may take, and how long a blob that nobody has
// waits for its mark.
const uploadLife = 24 * time.Hour

// Forget removes the repositories whose key begins so, then what no repository has
// any more and uploads that nobody goes on with.
func (g *Registry) Forget(prefix string) error {
	repos, err := names(filepath.Join(g.Dir, "repos"))
	for _, repo := range repos {
		if strings.HasPrefix(repo, prefix) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(g.Dir, "repos", repo)))
		}
	}
	return errors.Join(err, g.Sweep())
}

// Sweep removes blobs that no repository has and uploads that nobody goes on with.
func (g *Registry) Sweep() error { return g.sweep(time.Now().Add(-uploadLife)) }

func (g *Registry) sweep(before time.Time) error {
	marks, err := filepath.Glob(filepath.Join(g.Dir, "repos", "*", "blobs", "*"))
	if err != nil {
		return err
	}
	had := map[string]bool{}
	for _, m := range marks {
		had[filepath.Base(m)] = true
	}
	for _, dir := range []string{"blobs", "uploads"} {
		files, lerr := names(filepath.Join(g.Dir, dir))
		err = errors.Join(err, lerr)
		for _, name := range files {
			path := filepath.Join(g.Dir, dir, name)
			if st, serr := os.Stat(path); serr != nil || had[name] || st.ModTime().After(before) {
				continue
			}
			if rerr := os.Remove(path); !errors.Is(rerr, fs.ErrNotExist) {
				err = errors.Join(err, rerr)
			}
		}
	}
	return err
}
