package shim

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Sizes of a dyno's output ring. It lives in files, so that an idle shim stays
// small and so that a killed one loses nothing that was written.
const (
	segmentBytes = 1 << 20 // a file of the ring
	segmentsKept = 4
	bufferBytes  = 1 << 20 // waiting for a slow disk; beyond it lines are dropped
	frameHeader  = 20      // sequence number, time, length
)

// logWriter appends lines to the ring from its own goroutine: a disk that stalls
// costs lines, which the gap in the sequence numbers tells, and never blocks the dyno.
type logWriter struct {
	dir    string
	notify func() // after each write

	mu      sync.Mutex
	wake    *sync.Cond
	pending []byte
	dropped []byte // the last line, when it was dropped
	lastAt  time.Time
	rate    allowance
	seq     uint64
	closed  bool
	done    chan struct{}

	source *os.File // the dyno's output, once follow was called
	read   chan struct{}

	file    *os.File // owned by run, as are the next two
	size    int
	segment int
}

func newLogWriter(dir string, notify func()) *logWriter {
	w := &logWriter{dir: dir, notify: notify, done: make(chan struct{})}
	w.wake = sync.NewCond(&w.mu)
	go w.run()
	return w
}

// line adds one line.
func (w *logWriter) line(text []byte, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seq++
	if len(w.pending)+frameHeader+len(text) > bufferBytes || !w.rate.take(frameHeader+len(text), at) {
		w.dropped, w.lastAt = append(w.dropped[:0], text...), at
		if w.dropped == nil {
			w.dropped = []byte{}
		}
		return
	}
	w.dropped = nil
	w.frame(text, at)
}

// frame puts the line of the present number behind those that wait; with the lock held.
func (w *logWriter) frame(text []byte, at time.Time) {
	w.pending = binary.LittleEndian.AppendUint64(w.pending, w.seq)
	w.pending = binary.LittleEndian.AppendUint64(w.pending, uint64(at.UnixNano()))
	w.pending = binary.LittleEndian.AppendUint32(w.pending, uint32(len(text)))
	w.pending = append(w.pending, text...)
	w.wake.Signal()
}

// follow logs what is written to the other end of source.
func (w *logWriter) follow(source *os.File) {
	w.source, w.read = source, make(chan struct{})
	go func() {
		defer close(w.read)
		logOutput(source, w)
	}()
}

// end is called after the dyno's last process is gone; it returns when all that
// it wrote is in the files.
func (w *logWriter) end() {
	if w.source != nil {
		_ = w.source.SetReadDeadline(time.Now())
		<-w.read
	}
	w.mu.Lock()
	if w.dropped != nil { // the last line comes through, so that the gap before it is seen
		w.frame(w.dropped, w.lastAt)
	}
	w.closed = true
	w.wake.Signal()
	w.mu.Unlock()
	<-w.done
}

func (w *logWriter) run() {
	defer close(w.done)
	var batch []byte
	for {
		w.mu.Lock()
		for len(w.pending) == 0 && !w.closed {
			w.wake.Wait()
		}
		if len(w.pending) == 0 {
			w.mu.Unlock()
			return
		}
		if cap(batch) > 64<<10 { // a burst is over: give its memory back
			batch = nil
		}
		batch, w.pending = w.pending, batch[:0]
		w.mu.Unlock()
		w.write(batch)
		w.notify()
	}
}

// write puts whole frames into the ring. What the disk refuses is lost, and the
// file is cut back to its last whole frame.
func (w *logWriter) write(batch []byte) {
	for len(batch) > 0 {
		if w.file == nil || w.size >= segmentBytes {
			if w.rotate() != nil {
				return
			}
		}
		n := frames(batch, segmentBytes-w.size)
		if _, err := w.file.WriteAt(batch[:n], int64(w.size)); err != nil {
			_ = w.file.Truncate(int64(w.size))
			return
		}
		w.size += n
		batch = batch[n:]
	}
}

// frames is the length of the first whole frames of batch that fit into room,
// and at least one.
func frames(batch []byte, room int) int {
	n := 0
	for n < len(batch) {
		next := n + frameHeader + int(binary.LittleEndian.Uint32(batch[n+16:]))
		if n > 0 && next > room {
			break
		}
		n = next
	}
	return n
}

func (w *logWriter) rotate() error {
	file, err := os.OpenFile(segmentPath(w.dir, w.segment+1), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if w.file != nil {
		_ = w.file.Close()
	}
	w.segment++
	w.file, w.size = file, 0
	_ = os.Remove(segmentPath(w.dir, w.segment-segmentsKept))
	return nil
}

func segmentPath(dir string, n int) string { return filepath.Join(dir, fmt.Sprintf("log.%08d", n)) }
