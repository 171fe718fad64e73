package shim

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Line is one line of a dyno's output.
type Line struct {
	Seq     uint64 // 1, 2, 3 …
	Time    time.Time
	Text    string
	Dropped int  // lines missing just before this one
	More    bool // another one follows at once
}

// LogReader reads the output ring of a bundle from outside, while it is written
// or after the end. It is not safe for concurrent use.
type LogReader struct {
	dir     string
	last    uint64 // sequence number of the last line seen
	segment int
	file    *os.File
	offset  int64
	buffer  []byte
}

// NewLogReader starts behind the line with sequence number after.
func NewLogReader(dir string, after uint64) *LogReader { return &LogReader{dir: dir, last: after} }

// Close frees the file.
func (r *LogReader) Close() error {
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}

// ReadNew calls f with all lines that are there by now.
func (r *LogReader) ReadNew(f func(Line)) error {
	for {
		if r.file == nil {
			if found, err := r.open(); err != nil || !found {
				return err
			}
		}
		// Whether there is a later file must be known before the last look into
		// this one: the writer never returns to a file that it has left.
		later, err := r.later()
		if err != nil {
			return err
		}
		if err := r.drain(f); err != nil {
			return err
		}
		if later == 0 {
			return nil
		}
		_ = r.file.Close()
		r.file, r.segment = nil, later-1
	}
}

// open takes the oldest file after the present one.
func (r *LogReader) open() (bool, error) {
	n, err := r.next()
	if err != nil || n == 0 {
		return false, err
	}
	file, err := os.Open(segmentPath(r.dir, n))
	if errors.Is(err, fs.ErrNotExist) { // fell out of the ring meanwhile
		r.segment = n
		return r.open()
	}
	if err != nil {
		return false, fmt.Errorf("open output: %w", err)
	}
	r.file, r.segment, r.offset, r.buffer = file, n, 0, nil
	return true, nil
}

// later is next while a file is open. Most often there is none, which is seen without
// listing the folder: files go in their order, so that the one after this one was
// not yet made while this one is still there.
func (r *LogReader) later() (int, error) {
	if _, err := os.Lstat(segmentPath(r.dir, r.segment+1)); err == nil {
		return r.segment + 1, nil
	}
	var this unix.Stat_t
	if err := unix.Fstat(int(r.file.Fd()), &this); err == nil && this.Nlink > 0 {
		return 0, nil
	}
	return r.next()
}

// next is the number of the oldest file after the present one, 0 if there is none.
func (r *LogReader) next() (int, error) {
	names, err := filepath.Glob(filepath.Join(escape(r.dir), "log.*"))
	if err != nil {
		return 0, fmt.Errorf("list output: %w", err)
	}
	for _, name := range names { // sorted
		n, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(name), "log."))
		if err == nil && n > r.segment {
			return n, nil
		}
	}
	return 0, nil
}

// chunks are lent to readers while they read: most dynos are quiet most of the time.
var chunks = sync.Pool{New: func() any { return new([64 << 10]byte) }}

func (r *LogReader) drain(f func(Line)) error {
	chunk := chunks.Get().(*[64 << 10]byte)
	defer chunks.Put(chunk)
	for {
		n, err := r.file.ReadAt(chunk[:], r.offset)
		r.offset += int64(n)
		if len(r.buffer) == 0 {
			r.buffer = append(r.buffer, r.parse(chunk[:n], f)...)
		} else {
			rest := r.parse(append(r.buffer, chunk[:n]...), f)
			r.buffer = append([]byte(nil), rest...)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read output: %w", err)
		}
	}
}

// parse passes the whole frames of data on, and returns what is left. All texts are
// parts of one string.
func (r *LogReader) parse(data []byte, f func(Line)) (rest []byte) {
	whole := 0
	for size := frame(data); size > 0; size = frame(data[whole:]) {
		whole += size
	}
	all := string(data[:whole])
	for at := 0; at < whole; {
		b := data[at:]
		size := frame(b)
		text := all[at+frameHeader : at+size]
		at += size
		seq := binary.LittleEndian.Uint64(b)
		if seq <= r.last {
			continue
		}
		dropped := int(seq - r.last - 1)
		r.last = seq
		written := time.Unix(0, int64(binary.LittleEndian.Uint64(b[8:])))
		f(Line{Seq: seq, Time: written.UTC(), Text: text, Dropped: dropped, More: at < whole})
	}
	return data[whole:]
}

// frame is the length of the first frame in b, 0 when it is not whole.
func frame(b []byte) int {
	if len(b) < frameHeader {
		return 0
	}
	if size := frameHeader + int(binary.LittleEndian.Uint32(b[16:])); size <= len(b) {
		return size
	}
	return 0
}

func escape(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}
