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

// spillFile holds the frames that wait for a receiver, in their order, where the
// operator allows it. How far it was read is in the drain's state; what was read
// gives its place on the disk back.
type spillFile struct {
	path string // empty: nothing is taken to disk
	most int64  // bytes that may wait
	file *os.File
	end  int64
}

// spilled is the head of a frame that waits.
type spilled struct {
	stateHead // Next and Lost as they are once the frame is made
}

// open finds what an earlier process has left behind a state, and returns the state
// as of the last frame that waits. A frame that a kill cut off goes.
func (f *spillFile) open(st *state) error {
	if f.path == "" {
		return nil
	}
	var err error
	if f.file, err = os.OpenFile(f.path, os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return fmt.Errorf("open lines that wait: %w", err)
	}
	info, err := f.file.Stat()
	if err != nil {
		return fmt.Errorf("open lines that wait: %w", err)
	}
	if st.Read > info.Size() {
		st.Read = 0
	}
	for f.end = st.Read; ; {
		head, _, next, err := f.read(f.end)
		if err != nil {
			break
		}
		f.end = next
		if head.Seq > st.Seq { // made after the state was written
			st.Next, st.Lost, st.Seq = head.Next, head.Lost, head.Seq
		}
	}
	if err := f.file.Truncate(f.end); err != nil {
		return fmt.Errorf("cut lines that wait: %w", err)
	}
	return nil
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
	data, err := appendRecord(make([]byte, 0, len(fr.Body)+512), spilled{stateHead{Next: st.Next, Lost: st.Lost, ID: fr.ID, Count: fr.Count, Seq: st.Seq}}, fr.Body)
	if err != nil {
		return err
	}
	n, err := f.file.WriteAt(data, f.end)
	if err != nil {
		if n > 0 {
			err = errors.Join(err, f.file.Truncate(f.end))
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
	st.Read = after
	return &frame{ID: head.ID, Count: head.Count, Body: body}, nil
}

// free gives back the place of what was read, once the state says so on disk; it
// reports whether all was, so that the state begins at 0 again.
func (f *spillFile) free(st *state) bool {
	if f.file == nil || st.Read == 0 {
		return false
	}
	if f.waiting(st) <= 0 {
		if f.file.Truncate(0) != nil {
			return false
		}
		f.end, st.Read = 0, 0
		return true
	}
	_ = unix.Fallocate(int(f.file.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, st.Read) // not every file system can
	return false
}

func (f *spillFile) close() {
	if f.file != nil {
		_ = f.file.Close()
		f.file = nil
	}
}
