package router

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kigo-dev/kigo"
)

// restore serves what an earlier process kept. Where that cannot be read there are
// no routes until control sends them: better none than wrong ones.
func (r *Router) restore() {
	began := time.Now()
	t := newTable()
	kept, err := t.load(r.config.SnapshotPath)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return
	case err != nil:
		r.log.Error("kept routes are unusable, waiting for control to send them", "file", kept.path, "error", err)
		return
	case kept.lost != nil:
		r.log.Warn("the last changes of kept routes are lost, serving those before until control sends them", "file", kept.path, "error", kept.lost)
	}
	r.table = t
	for _, message := range kept.former {
		r.keeper.keep(message)
	}
	r.log.Debug("kept routes are served", "file", kept.path, "revision", t.revision.Load(), "apps", t.count(), "took", time.Since(began))
}

// keptRoutes is what a table was loaded from.
type keptRoutes struct {
	path   string
	lost   error // why the file's last changes were left out
	former []any // what an older release's file said, *Snapshot and *Change: to be kept as this one does
}

// formerPath is where older releases keep routes, as JSON.
func formerPath(path string) string { return filepath.Join(filepath.Dir(path), "snapshot.json") }

// latest is the file of routes that was written last: an older release, back for a while,
// leaves one that is newer than ours.
func latest(path string) string {
	former := formerPath(path)
	theirs, err := os.Stat(former)
	if err != nil {
		return path
	}
	if ours, err := os.Stat(path); errors.Is(err, os.ErrNotExist) || err == nil && theirs.ModTime().After(ours.ModTime()) {
		return former
	}
	return path
}

// load fills an empty table from the file at path, or from what an older release
// left beside it later.
func (t *table) load(path string) (kept keptRoutes, err error) {
	kept.path = latest(path)
	if kept.path != path {
		kept.former, err = t.loadFormer(kept.path)
		return kept, err
	}
	f, err := os.Open(path)
	if err != nil {
		return kept, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return kept, err
	}
	kept.lost, err = t.read(f, info.Size())
	return kept, err
}

// read fills an empty table from a file of size bytes.
func (t *table) read(in io.Reader, size int64) (lost, err error) {
	var hosts []string
	var one [1]App
	revision := int64(0)
	t.mu.Lock()
	defer t.mu.Unlock()
	return readRoutes(in, size, routesVisitor{
		begin: func(at int64, apps, hosts int) { revision = at; t.reserve(apps, hosts) },
		record: func(record []byte) (int, error) {
			a, err := readApp(record, hosts[:0])
			if err != nil {
				return 0, err
			}
			hosts, one[0] = a.Hosts, a
			if err := validate(revision, one[:]); err != nil {
				return 0, err
			}
			t.apply(revision, one[:], nil)
			return len(a.Hosts), nil
		},
		change: func(c *Change) error {
			if err := c.Validate(); err != nil {
				return err
			}
			t.apply(c.Revision, c.Apps, c.Gone)
			return nil
		},
	})
}

// ReadRoutes reads the routes that a router keeps in the file at path.
func ReadRoutes(path string) (*Snapshot, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	s, _, err := decodeRoutes(f, info.Size())
	return s, err
}

func decodeRoutes(in io.Reader, size int64) (s *Snapshot, lost, err error) {
	s = &Snapshot{}
	place := map[kigo.AppID]int{}
	put := func(a App) {
		for i := range a.Hosts {
			a.Hosts[i] = strings.Clone(a.Hosts[i])
		}
		if i, there := place[a.ID]; there {
			s.Apps[i] = a
			return
		}
		place[a.ID] = len(s.Apps)
		s.Apps = append(s.Apps, a)
	}
	lost, err = readRoutes(in, size, routesVisitor{
		begin: func(revision int64, _, _ int) { s.Revision = revision },
		record: func(record []byte) (int, error) {
			a, err := readApp(record, nil)
			if err == nil {
				put(a)
			}
			return len(a.Hosts), err
		},
		change: func(c *Change) error {
			s.Revision = c.Revision
			for _, a := range c.Apps {
				put(a)
			}
			s.Apps = slices.DeleteFunc(s.Apps, func(a App) bool { return slices.Contains(c.Gone, a.ID) })
			clear(place)
			for i, a := range s.Apps {
				place[a.ID] = i
			}
			return nil
		},
	})
	return s, lost, err
}

// loadFormer fills the table with what an older release kept: a Snapshot and, after
// it, Changes, of which a crash may have cut the last one.
func (t *table) loadFormer(path string) (said []any, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	in := json.NewDecoder(bufio.NewReaderSize(f, 256<<10))
	var s Snapshot
	if err = in.Decode(&s); err == nil {
		err = s.Validate()
	}
	if err != nil {
		return nil, fmt.Errorf("read routes: %w", err)
	}
	t.applySnapshot(&s)
	said = append(said, &s)
	for {
		c := &Change{}
		if in.Decode(c) != nil || c.Validate() != nil {
			return said, nil
		}
		c.Base = t.revision.Load()
		t.applyChange(c)
		said = append(said, c)
	}
}
