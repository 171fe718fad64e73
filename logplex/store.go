package logplex

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/kigo-dev/kigo"
)

// An app's lines are one file of frames, LOGS/APPID/lines. It only grows, until
// it holds rewriteLines lines or rewriteBytes more than the kept ones need; then a
// new file with the kept ones takes its place by rename. After a load or a write
// error it is rewritten too, so that nothing is ever appended behind a torn frame.
const (
	rewriteLines = 7500 // at the least; else five times those kept
	rewriteBytes = 16 << 20
	maxFile      = 128 << 20 // of a file that is read: far above what is written
)

// nextOrigin keeps the next id among the positions of writers where no line is left
// to tell it.
const nextOrigin = "\x00next"

var safeID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// folder is where the app's lines are; empty when they are kept in memory only.
func (h *Hub) folder(app kigo.AppID) string {
	if h.Dir == "" || !safeID.MatchString(string(app)) {
		return ""
	}
	return filepath.Join(h.Dir, string(app))
}

// loadFile fills a new stream from disk. What cannot be read is left out: a log
// that lost its end must not keep the app from logging.
func (h *Hub) loadFile(s *stream) {
	s.disk.Lock()
	defer s.disk.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nextID, s.keep = 1, h.retention(s.app)
	if dir := h.folder(s.app); dir != "" {
		if data, err := readFile(filepath.Join(dir, "lines")); err == nil {
			s.restore(data)
		}
	}
	s.firstID = s.nextID
	s.saved = s.base + uint64(s.n)
	if s.expire(time.Now()) {
		s.forgotten = true
	}
	s.settled = s.base + uint64(s.n)
	if s.origins[shedOrigin] > 0 {
		h.tellSoon(s, time.Now())
	}
}

func readFile(path string) ([]byte, error) {
	if info, err := os.Stat(path); err != nil || info.Size() > maxFile {
		return nil, errors.Join(err, errFrame)
	}
	return os.ReadFile(path)
}

// restore takes the lines and positions of a file's content up to the last write
// that is whole.
func (s *stream) restore(data []byte) {
	shared := names{}
	for data = whole(data); len(data) > 0; {
		body, rest, err := cut(data)
		if err != nil {
			break
		}
		f := fields{b: body[1:], ok: true}
		switch body[0] {
		case frameLine:
			id, line := f.line(shared)
			if !f.ok || id < s.nextID {
				break
			}
			s.nextID = id
			s.push(&line, line.Message)
		case frameNumber:
			if number := f.uint(); f.ok && number != s.base+uint64(s.n) {
				// Lines in between never reached the disk: what is before them is no
				// longer the end of the log.
				s.ring, s.head, s.n, s.bytes, s.base = nil, 0, 0, 0, number
			}
		case frameOrigin:
			if seq, name := f.uint(), string(f.bytes()); f.ok && name == nextOrigin {
				s.nextID = max(s.nextID, seq)
			} else if f.ok {
				if s.origins == nil {
					s.origins = map[string]uint64{}
				}
				s.origins[name] = seq
			}
		}
		data = rest
	}
	if s.nextID > 1 {
		s.nextID += idLeap
	}
}

// save brings the stream's new lines to disk.
func (h *Hub) save(s *stream) error {
	s.disk.Lock()
	defer s.disk.Unlock()
	s.mu.Lock()
	s.dirty = false
	dir := h.folder(s.app)
	if s.removed || dir == "" {
		s.saved = s.base + uint64(s.n)
		s.changed = false
		s.settle(s.saved)
		s.mu.Unlock()
		return nil
	}
	end := s.base + uint64(s.n)
	fresh := s.file == nil || s.forgotten || s.fileLines > max(rewriteLines, 5*s.keep.Lines) || s.fileBytes > max(rewriteBytes, s.keep.Bytes)
	from := s.kept()
	if !fresh && s.saved > s.base {
		from = max(from, int(s.saved-s.base))
	}
	lines, first := s.window(h.window[:0], from), s.base+uint64(from)
	h.window = lines
	defer h.letGo()
	var origins map[string]uint64
	if s.changed || fresh {
		origins = make(map[string]uint64, len(s.origins)+1)
		for name, seq := range s.origins {
			origins[name] = seq
		}
		if fresh && len(lines) == 0 {
			origins[nextOrigin] = s.nextID
		}
	}
	s.changed, s.forgotten = false, false
	s.mu.Unlock()

	h.data = s.encode(h.data[:0], fresh, first, lines, origins)
	err := s.store(dir, fresh, len(lines), h.data)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(end) // a disk that takes nothing must not hold up drains
	if err != nil {
		s.closeFile() // what it now ends with is unknown: rewrite next time
		return fmt.Errorf("save lines of app %s: %w", s.app, err)
	}
	s.saved = end
	return nil
}

// letGo forgets what was saved; of a large one the memory too.
func (h *Hub) letGo() {
	clear(h.window)
	if cap(h.window) > 2*followLines {
		h.window = nil
	}
	if cap(h.data) > followBytes {
		h.data = nil
	}
}

// encode writes the frames of one save.
func (s *stream) encode(data []byte, fresh bool, first uint64, lines []entry, origins map[string]uint64) []byte {
	if fresh || first != s.fileEnd {
		data = appendNumber(data, first)
	}
	s.fileEnd = first + uint64(len(lines))
	for i := range lines {
		data = appendLine(data, lines[i].id, &lines[i].line)
	}
	for name, seq := range origins {
		data = appendOrigin(data, name, seq)
	}
	return appendEnd(data) // lines and positions count together or not at all
}

func (s *stream) store(dir string, fresh bool, lines int, data []byte) error {
	if !fresh {
		n, err := s.file.Write(data)
		s.fileLines += lines
		s.fileBytes += int64(n)
		return err
	}
	s.closeFile()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(dir, "lines.new"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if _, err := file.Write(data); err != nil {
		return errors.Join(err, file.Close())
	}
	if err := os.Rename(file.Name(), filepath.Join(dir, "lines")); err != nil {
		return errors.Join(err, file.Close())
	}
	s.file, s.fileLines, s.fileBytes = file, 0, 0
	return nil
}

func (s *stream) closeFile() {
	if s.file != nil {
		s.file.Close()
		s.file = nil
	}
}

func (h *Hub) removeFile(s *stream) error {
	s.closeFile()
	dir := h.folder(s.app)
	if dir == "" {
		return nil
	}
	if err := os.RemoveAll(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove lines of app %s: %w", s.app, err)
	}
	return nil
}
