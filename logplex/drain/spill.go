package drain

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// spillLines is how many lines wait in memory before they are taken to disk.
const spillLines = 256

// maxSpill is above every place in a spill file.
const maxSpill = 1 << 62

// spillFile holds the frames that wait for a receiver, in their order, where the
// operator allows it. How far it was read is in the drain's state; what was read
// gives its place on the disk back. Frames are added, and their place given back,
// only while the state on disk is the one in memory: whatever the two say together
// after a kill then accounts for every line.
type spillFile struct {
	path string // empty: nothing is taken to disk
	most int64  // bytes that may wait; 0: none, but what an earlier process left is sent
	disk steps
	file *os.File
	end  int64
}

// spilled is the head of a frame that waits.
type spilled struct {
	stateHead // Next and Lost as they are once the frame is made
}

// open finds what an earlier process has left behind a state, and makes it the state
// as of the last frame that waits. A frame that a kill cut off goes; its lines are
// still in the stream. Lines that are neither there nor here are returned by their
// number: somebody has damaged the file.
func (f *spillFile) open(st *state) (missing int, err error) {
	reached := st.Reached
	if f.path != "" {
		reached, err = f.find(st)
	}
	if err != nil {
		f.close()
		st.Read = 0
	}
	if reached > 0 && reached < st.Next {
		missing = int(st.Next - reached)
	}
	return missing, err
}

// find opens the file and reads it to its end, the number of the first line after
// which is returned.
func (f *spillFile) find(st *state) (reached uint64, err error) {
	reached = st.Reached
	flags := os.O_RDWR
	if f.most > 0 {
		flags |= os.O_CREATE
	}
	if f.file, err = os.OpenFile(f.path, flags, 0o600); err != nil {
		f.file = nil
		if f.most == 0 && errors.Is(err, os.ErrNotExist) {
			return reached, nil
		}
		return reached, fmt.Errorf("open lines that wait: %w", err)
	}
	info, err := f.file.Stat()
	if err != nil {
		return reached, fmt.Errorf("open lines that wait: %w", err)
	}
	if st.Read > info.Size() { // all was sent, and the file was emptied since
		st.Read, st.End = 0, 0
	}
	for f.end = st.Read; ; {
		head, _, next, err := f.read(f.end)
		if err != nil || f.end >= st.End && head.Seq <= st.Seq { // cut off, or refused and yet written
			break
		}
		f.end, reached = next, head.Next
		if head.Seq > st.Seq { // made after the state was written
			st.Next, st.Lost, st.Seq = head.Next, head.Lost, head.Seq
		}
	}
	if err := f.file.Truncate(f.end); err != nil {
		return reached, fmt.Errorf("cut lines that wait: %w", err)
	}
	return reached, nil
}

// read returns the frame at a place, and the place behind it.
func (f *spillFile) read(at int64) (head spilled, body []byte, next int64, err error) {
	var lengths [recordHead]byte
	if _, err := f.file.ReadAt(lengths[:], at); err != nil {
		return head, nil, at, err
	}
	size, ok := recordSize(lengths[:])
	if !ok {
		return head, nil, at, errRecord
	}
	data := make([]byte, size)
	if _, err := f.file.ReadAt(data, at); err != nil {
		return head, nil, at, errors.Join(err, errRecord)
	}
	text, body, _, err := cutRecord(data)
	if err == nil {
		err = json.Unmarshal(text, &head)
	}
	return head, body, at + int64(size), err
}

// waiting is how many bytes wait.
func (f *spillFile) waiting(st *state) int64 { return f.end - st.Read }

// room reports whether a frame of that size may wait, too.
func (f *spillFile) room(st *state, size int) bool {
	return f.file != nil && f.waiting(st)+int64(size)+recordHead+256 <= f.most
}

// add takes a frame to disk, with the state once it is made.
func (f *spillFile) add(st *state, fr *frame) error {
	st.Seq++
	head := spilled{stateHead{Next: st.Next, Lost: st.Lost, Seq: st.Seq}}
	head.describe(fr)
	r, err := newRecord(nil, head, fr.Body)
	if err != nil {
		return err
	}
	n, err := f.disk.write("add frame", f.file, r, f.end)
	if err != nil {
		if n > 0 {
			err = errors.Join(err, f.truncate("take frame back", f.end))
		}
		return fmt.Errorf("take lines to disk: %w", err)
	}
	f.end += int64(n)
	return nil
}

// next takes the first frame that waits; nil when none does.
func (f *spillFile) next(st *state) (*frame, error) {
	if f.file == nil || f.waiting(st) <= 0 {
		return nil, nil
	}
	head, body, after, err := f.read(st.Read)
	if err != nil {
		return nil, fmt.Errorf("read lines that wait: %w", err)
	}
	st.Read, st.Reached = after, head.Next
	return head.frame(body), nil
}

// free gives back the place of what was read: the state on disk says that it was.
// It reports whether all was, so that the state begins at 0 again.
func (f *spillFile) free(st *state) bool {
	if f.file == nil || st.Read == 0 {
		return false
	}
	if f.waiting(st) <= 0 {
		if f.truncate("empty frames", 0) != nil {
			return false
		}
		f.end, st.Read = 0, 0
		return true
	}
	_ = f.disk.do("free frames", func() error { // not every file system can
		return unix.Fallocate(int(f.file.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, st.Read)
	})
	return false
}

func (f *spillFile) truncate(step string, size int64) error {
	return f.disk.do(step, func() error { return f.file.Truncate(size) })
}

func (f *spillFile) close() {
	if f.file != nil {
		_ = f.file.Close()
		f.file = nil
	}
}
