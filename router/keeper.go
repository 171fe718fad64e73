package router

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/kigo-dev/kigo"
)

// keeper writes the routes to disk, beside serving them: the file is a Snapshot
// and, line by line, the Changes since. It is written anew when those have become
// as long as it.
type keeper struct {
	path   string
	failed func(error)
	kick   chan struct{}

	mu      sync.Mutex
	pending []any // *Snapshot or *Change

	file    *os.File // open for changes; nil: a snapshot must come first
	size    int64    // of the snapshot in it
	journal int64    // of the changes
}

const journalLeast = 1 << 20 // changes that are kept before the file is written anew

func newKeeper(path string, failed func(error)) *keeper {
	return &keeper{path: path, failed: failed, kick: make(chan struct{}, 1)}
}

// keep takes what has been applied. It does not wait for the disk.
func (k *keeper) keep(message any) {
	k.mu.Lock()
	if _, whole := message.(*Snapshot); whole {
		k.pending = nil
	}
	k.pending = append(k.pending, message)
	k.mu.Unlock()
	signal(k.kick)
}

// run writes until stop is closed, and then what is left.
func (k *keeper) run(stop <-chan struct{}) {
	for ended := false; !ended; {
		select {
		case <-stop:
			ended = true
		case <-k.kick:
		}
		k.mu.Lock()
		pending := k.pending
		k.pending = nil
		k.mu.Unlock()
		if err := k.write(pending); err != nil {
			k.failed(err)
			k.again(pending)
		}
	}
	k.close()
}

// again puts back what could not be written, for the next time.
func (k *keeper) again(failed []any) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.pending) > 0 {
		if _, whole := k.pending[0].(*Snapshot); whole {
			return
		}
	}
	k.pending = append(failed, k.pending...)
}

func (k *keeper) write(pending []any) (err error) {
	if len(pending) == 0 {
		return nil
	}
	if s, whole := pending[0].(*Snapshot); whole {
		if err := k.replace(s); err != nil {
			return err
		}
		pending = pending[1:]
	}
	if len(pending) == 0 {
		return nil
	}
	if k.file == nil {
		return k.renew(pending)
	}
	out := bufio.NewWriter(k.file)
	lines := json.NewEncoder(&counter{out, &k.journal})
	for _, c := range pending {
		err = errors.Join(err, lines.Encode(c))
	}
	if err = errors.Join(err, out.Flush(), k.file.Sync()); err != nil {
		k.close() // what it ends with is unknown
		return fmt.Errorf("keep change: %w", err)
	}
	if k.journal < max(journalLeast, k.size) {
		return nil
	}
	return k.renew(nil)
}

// renew writes the file anew from what it says and changes that it does not say.
func (k *keeper) renew(changes []any) error {
	s, err := readSnapshot(k.path)
	if s == nil || err != nil {
		return err
	}
	for _, c := range changes {
		s.merge([]Change{*c.(*Change)})
	}
	return k.replace(s)
}

func (k *keeper) close() {
	if k.file != nil {
		_ = k.file.Close()
		k.file = nil
	}
}

// replace makes s all that the file says, so that a crash at any instant leaves
// the old file or the new one.
func (k *keeper) replace(s *Snapshot) error {
	k.close()
	dir := filepath.Dir(k.path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("write snapshot: %w", err)
	}
	f, err := os.CreateTemp(dir, ".snapshot-*")
	if err != nil {
		return fmt.Errorf("write snapshot: %w", err)
	}
	k.size, k.journal = 0, 0
	out := bufio.NewWriterSize(f, 64<<10)
	err = writeApps(&counter{out, &k.size}, s)
	err = errors.Join(err, out.Flush(), f.Sync())
	if err == nil {
		err = os.Rename(f.Name(), k.path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return errors.Join(fmt.Errorf("write snapshot: %w", err), f.Close())
	}
	k.file = f
	return nil
}

// writeApps writes a snapshot as one line, without a copy of all of it.
func writeApps(w io.Writer, s *Snapshot) error {
	if _, err := fmt.Fprintf(w, `{"revision":%d,"apps":[`, s.Revision); err != nil {
		return err
	}
	for i := range s.Apps {
		text, err := json.Marshal(&s.Apps[i])
		if err == nil && i > 0 {
			_, err = io.WriteString(w, ",")
		}
		if err == nil {
			_, err = w.Write(text)
		}
		if err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, "]}\n")
	return err
}

type counter struct {
	io.Writer
	n *int64
}

func (c *counter) Write(p []byte) (int, error) {
	*c.n += int64(len(p))
	return c.Writer.Write(p)
}

// readSnapshot reads what an earlier process kept; nil when there is nothing. A
// change that a crash left half written is left out.
func readSnapshot(path string) (*Snapshot, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read snapshot: %w", err)
	}
	defer f.Close()
	in := json.NewDecoder(bufio.NewReaderSize(f, 256<<10))
	s := new(Snapshot)
	if err := in.Decode(s); err != nil {
		return nil, fmt.Errorf("read snapshot %s: %w", path, err)
	}
	var changes []Change
	for {
		var c Change
		if in.Decode(&c) != nil {
			break
		}
		changes = append(changes, c)
	}
	if len(changes) > 0 {
		s.merge(changes)
	}
	return s, s.Validate()
}

// merge makes s what it is after changes; apps stay in their order.
func (s *Snapshot) merge(changes []Change) {
	place := make(map[kigo.AppID]int, len(s.Apps))
	for i := range s.Apps {
		place[s.Apps[i].ID] = i
	}
	for _, c := range changes {
		for _, a := range c.Apps {
			if i, ok := place[a.ID]; ok {
				s.Apps[i] = a
				continue
			}
			place[a.ID] = len(s.Apps)
			s.Apps = append(s.Apps, a)
		}
		for _, id := range c.Gone {
			if i, ok := place[id]; ok {
				s.Apps[i].ID = "" // taken out below
				delete(place, id)
			}
		}
		s.Revision = c.Revision
	}
	kept := s.Apps[:0]
	for _, a := range s.Apps {
		if a.ID != "" {
			kept = append(kept, a)
		}
	}
	s.Apps = kept
}
