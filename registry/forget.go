package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// uploadLife is how long an upload may take, how long content waits for a manifest that
// names it, and a manifest that the platform made for its tag.
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

// Sweep removes what nobody has needed for a day: manifests that the platform made and never
// tagged, content that no manifest names, and uploads that nobody goes on with.
func (g *Registry) Sweep() error { return g.sweep(time.Now().Add(-uploadLife)) }

func (g *Registry) sweep(before time.Time) error {
	repos, err := names(filepath.Join(g.Dir, "repos"))
	had := map[string]bool{}
	for _, repo := range repos {
		r := g.Repository(repo)
		err = errors.Join(err, r.sweep(before))
		marks, lerr := names(filepath.Join(r.q.repo, "blobs"))
		err = errors.Join(err, lerr)
		for _, m := range marks {
			had[m] = true
		}
	}
	if err != nil {
		return err // what could not be read may be had
	}
	for _, dir := range []string{"blobs", "uploads"} {
		files, lerr := names(filepath.Join(g.Dir, dir))
		err = errors.Join(err, lerr)
		for _, name := range files {
			path := filepath.Join(g.Dir, dir, name)
			if had[name] || !older(path, before) {
				continue
			}
			if rerr := os.Remove(path); !errors.Is(rerr, fs.ErrNotExist) {
				err = errors.Join(err, rerr)
			}
		}
	}
	return err
}

func older(path string, than time.Time) bool {
	st, err := os.Stat(path)
	return err == nil && !st.ModTime().After(than)
}

// sweep forgets what a build that was killed left: a manifest before it had its tag,
// content before it had its manifest. A client's push that goes no further leaves the latter.
func (r Repository) sweep(before time.Time) error {
	files, err := names(filepath.Join(r.q.repo, "manifests"))
	for _, file := range files {
		if d, ok := digestOfFile(file); ok && older(r.q.manifestPath(d), before) {
			err = errors.Join(err, r.Drop(d.String()))
		}
	}
	marks, lerr := names(filepath.Join(r.q.repo, "blobs"))
	if err = errors.Join(err, lerr); err != nil {
		return err
	}
	old := map[string]time.Time{}
	for _, file := range marks {
		if d, ok := digestOfFile(file); ok && older(r.q.markPath(d), before) {
			old[d.String()] = before
		}
	}
	return r.unmark(old)
}

// Drop forgets a manifest that the platform made and neither a tag nor an index names, with
// what no other has. Content that somebody asked for since then stays for a day: a client
// that was told that it is there does not push it.
func (r Repository) Drop(manifest string) error {
	old, err := parseDigest(manifest)
	if err != nil {
		return err
	}
	parts, err := r.drop(old)
	if err != nil {
		return err
	}
	return r.unmark(parts)
}

func (r Repository) drop(old digest) (parts map[string]time.Time, err error) {
	r.q.keeping.Lock()
	defer r.q.keeping.Unlock()
	st, err := os.Stat(r.q.manifestPath(old))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(r.q.manifestPath(old))
	about, rest, _ := strings.Cut(string(text), "\n")
	if err != nil || !strings.HasSuffix(about, madeHere) {
		return nil, err
	}
	var m Manifest
	if err := json.Unmarshal([]byte(rest), &m); err != nil {
		return nil, err
	}
	tags, err := r.q.allTags()
	if err != nil {
		return nil, err
	}
	for _, tag := range tags {
		if d, err := r.q.resolve(tag); err == nil && d == old {
			return nil, nil
		}
	}
	indexed := false
	err = r.each(func(other Manifest) {
		indexed = indexed || slices.ContainsFunc(other.Manifests, func(d Descriptor) bool { return d.Digest == old.String() })
	})
	if err != nil || indexed {
		return nil, err
	}
	parts = map[string]time.Time{}
	for _, part := range m.parts() {
		parts[part] = st.ModTime()
	}
	return parts, os.Remove(r.q.manifestPath(old))
}

// unmark takes content from the repository that no manifest of it names, and that nobody
// asked for since a time.
func (r Repository) unmark(parts map[string]time.Time) error {
	if len(parts) == 0 {
		return nil
	}
	r.q.keeping.Lock()
	defer r.q.keeping.Unlock()
	named := map[string]bool{}
	err := r.each(func(m Manifest) {
		for _, part := range m.parts() {
			if _, asked := parts[part]; asked {
				named[part] = true
			}
		}
	})
	if err != nil {
		return err
	}
	for part, since := range parts {
		d, bad := parseDigest(part)
		if bad != nil || named[part] || !older(r.q.markPath(d), since) {
			continue
		}
		if rerr := os.Remove(r.q.markPath(d)); !errors.Is(rerr, fs.ErrNotExist) {
			err = errors.Join(err, rerr)
		}
	}
	return err
}

// each calls f with the repository's manifests, one at a time: all of them may be much.
func (r Repository) each(f func(Manifest)) error {
	files, err := names(filepath.Join(r.q.repo, "manifests"))
	if err != nil {
		return err
	}
	for _, file := range files {
		d, ok := digestOfFile(file)
		if !ok {
			continue
		}
		_, content, err := r.q.stored(d)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var m Manifest
		if err == nil {
			err = json.Unmarshal(content, &m)
		}
		if err != nil {
			return fmt.Errorf("read manifest %s: %w", d, err)
		}
		f(m)
	}
	return nil
}

func (m Manifest) parts() (all []string) {
	if m.Config != nil {
		all = append(all, m.Config.Digest)
	}
	for _, l := range m.Layers {
		all = append(all, l.Digest)
	}
	return all
}
