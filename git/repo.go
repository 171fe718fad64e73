package git

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/git/hook"
)

var safeID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// install makes the folders and the hook: a hard link to our binary, or a copy
// where that cannot be (another file system). A symbolic link would not do: the
// binary may lie in a folder that the apps' user ids cannot reach.
func (s *Server) install() error {
	hooks, err := filepath.Abs(s.Hooks)
	if err != nil {
		return err
	}
	s.hook = hooks
	program := s.Program
	if program == "" {
		if program, err = os.Executable(); err != nil {
			return fmt.Errorf("find own binary: %w", err)
		}
	}
	for _, dir := range []string{s.Dir, hooks} {
		if err := os.MkdirAll(dir, 0o711); err != nil {
			return fmt.Errorf("make folder: %w", err)
		}
		if err := os.Chmod(dir, 0o711); err != nil {
			return fmt.Errorf("open folder to apps: %w", err)
		}
	}
	path := filepath.Join(hooks, hook.Name)
	next := path + ".new"
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := linkOrCopy(program, next); err != nil {
		return fmt.Errorf("install hook: %w", err)
	}
	return os.Rename(next, path)
}

func linkOrCopy(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o555 == 0o555 && os.Link(from, to) == nil {
		return nil
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Chmod(0o755), out.Close())
}

// open returns the app's repository, making it on first use.
func (s *Server) open(app kigo.App) (repo, error) {
	if app.Destroying {
		return repo{}, &kigo.Error{ID: kigo.IDGone, Message: "The app " + app.Name + " is being destroyed."}
	}
	if !safeID.MatchString(string(app.ID)) {
		return repo{}, fmt.Errorf("app id %q cannot name a repository", app.ID)
	}
	r := repo{app: app, path: s.path(app.ID), uid: app.UIDBase + uidOffset}
	if r.owned() && app.UIDBase < kigo.UIDFirst {
		return repo{}, fmt.Errorf("app %s has no user ids: UIDBase is %d", app.ID, app.UIDBase)
	}
	if _, err := os.Lstat(r.path); err == nil {
		return r, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return repo{}, fmt.Errorf("find repository: %w", err)
	}
	return r, s.create(r)
}

func (s *Server) path(app kigo.AppID) string { return filepath.Join(s.Dir, string(app)+".git") }

const (
	newPrefix  = ".new-"
	gonePrefix = ".gone-"
)

// create makes a bare repository beside its place and moves it there.
func (s *Server) create(r repo) error {
	tmp, err := os.MkdirTemp(s.Dir, newPrefix)
	if err != nil {
		return fmt.Errorf("make repository: %w", err)
	}
	defer os.RemoveAll(tmp)
	for _, dir := range []string{"objects/info", "objects/pack", "refs/heads", "refs/tags"} {
		err = errors.Join(err, os.MkdirAll(filepath.Join(tmp, dir), 0o700))
	}
	err = errors.Join(err,
		os.WriteFile(filepath.Join(tmp, "HEAD"), []byte("ref: refs/heads/main\n"), 0o600),
		os.WriteFile(filepath.Join(tmp, "config"), []byte("[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n"), 0o600))
	if r.owned() {
		err = errors.Join(err, filepath.WalkDir(tmp, func(path string, _ fs.DirEntry, err error) error {
			return errors.Join(err, os.Lchown(path, int(r.uid), int(r.uid)))
		}))
	}
	if err != nil {
		return fmt.Errorf("make repository: %w", err)
	}
	// Someone may have made it meanwhile; then theirs is as good.
	if err := os.Rename(tmp, r.path); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make repository: %w", err)
	}
	return nil
}

// Delete ends an app's pushes and removes its repository.
func (s *Server) Delete(app kigo.AppID) error {
	if !safeID.MatchString(string(app)) {
		return fmt.Errorf("app id %q cannot name a repository", app)
	}
	s.mu.Lock()
	var ended []*push
	for p := range s.live {
		if p.repo.app.ID == app {
			p.end("This app has been destroyed.")
			ended = append(ended, p)
		}
	}
	s.mu.Unlock()
	for _, p := range ended {
		<-p.done
	}
	gone := filepath.Join(s.Dir, gonePrefix+string(app))
	if err := os.Rename(s.path(app), gone); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete repository: %w", err)
	}
	if err := os.RemoveAll(gone); err != nil {
		return fmt.Errorf("delete repository: %w", err)
	}
	return nil
}

// Sweep removes what pushes that were killed left behind: quarantines, half-made
// packs and locks, which would refuse every later push. No push may run.
func (s *Server) Sweep() error {
	entries, err := os.ReadDir(s.Dir)
	if err != nil {
		return fmt.Errorf("sweep repositories: %w", err)
	}
	for _, e := range entries {
		path := filepath.Join(s.Dir, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), newPrefix), strings.HasPrefix(e.Name(), gonePrefix):
			err = errors.Join(err, os.RemoveAll(path))
		case strings.HasSuffix(e.Name(), ".git"):
			err = errors.Join(err, sweepRepo(path))
		}
	}
	return err
}

// leftovers are where killed git processes leave files.
var leftovers = []string{
	"objects/tmp_objdir-*", "objects/incoming-*", "objects/pack/tmp_*", "objects/pack/.tmp-*", "objects/??/tmp_obj_*",
	"*.lock", "objects/info/*.lock",
}

func sweepRepo(path string) (err error) {
	root, err := os.OpenRoot(path) // the folder is its tenant's: follow nothing out of it
	if err != nil {
		return fmt.Errorf("sweep repository: %w", err)
	}
	defer root.Close()
	for _, pattern := range leftovers {
		matches, globErr := fs.Glob(root.FS(), pattern)
		err = errors.Join(err, globErr)
		for _, m := range matches {
			err = errors.Join(err, root.RemoveAll(m))
		}
	}
	walkErr := fs.WalkDir(root.FS(), "refs", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".lock") {
			return root.Remove(path)
		}
		return err
	})
	return errors.Join(err, walkErr)
}

// size is the sum of the files' sizes.
func (r repo) size() (total int64) {
	_ = filepath.WalkDir(r.path, func(_ string, d fs.DirEntry, err error) error {
		if err == nil { // else it is gone meanwhile
			if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
				total += info.Size()
			}
		}
		return nil
	})
	return total
}
