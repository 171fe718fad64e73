package router

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// The file of routes: a line that names its format, then frames. A frame is its
// kind, the length of its content, a CRC-32C of all of it, and the content:
//
//	S  revision, apps, hosts   a snapshot begins
//	A  records of apps         its part, about frameFull bytes or one app
//	E  apps, hosts             it is whole
//	C  revision, apps, gone    a change that came later; any number of them
//
// The snapshot is written in one piece and takes effect by a rename: it is whole
// or the file is broken. A crash may leave the last change half written.

const (
	routesMagic   = "kigo routes "
	routesVersion = 1
	frameHead     = 9
	frameFull     = 64 << 10
	frameMost     = 1 << 30
)

// Kinds of frames.
const (
	frameSnapshot = 'S'
	frameApps     = 'A'
	frameEnd      = 'E'
	frameChange   = 'C'
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// routesWriter writes a file of routes.
type routesWriter struct {
	w     io.Writer
	frame []byte
	apps  uint64
	hosts uint64
	size  int64 // bytes written
	err   error
}

// begin starts a snapshot. apps and hosts are how many to expect, about.
func (w *routesWriter) begin(revision int64, apps, hosts uint64) {
	n, err := fmt.Fprintf(w.w, "%s%d\n", routesMagic, routesVersion)
	w.size += int64(n)
	w.err = err
	w.open()
	w.frame = binary.AppendVarint(w.frame, revision)
	w.frame = binary.AppendUvarint(binary.AppendUvarint(w.frame, apps), hosts)
	w.end(frameSnapshot)
	w.open()
}

func (w *routesWriter) open() { w.frame = append(w.frame[:0], make([]byte, frameHead)...) }

// end writes the open frame.
func (w *routesWriter) end(kind byte) {
	f := w.frame
	f[0] = kind
	binary.LittleEndian.PutUint32(f[1:], uint32(len(f)-frameHead))
	binary.LittleEndian.PutUint32(f[5:], frameSum(f[:5], f[frameHead:]))
	if len(f)-frameHead > frameMost {
		w.err = errors.Join(w.err, fmt.Errorf("%d bytes are too many for one frame", len(f)))
	}
	if w.err == nil {
		_, w.err = w.w.Write(f)
	}
	w.size += int64(len(f))
}

func frameSum(head, content []byte) uint32 {
	return crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, content)
}

// app adds one that is a record already.
func (w *routesWriter) app(record []byte, hosts int) {
	w.frame = append(w.frame, record...)
	w.added(hosts)
}

func (w *routesWriter) added(hosts int) {
	w.apps++
	w.hosts += uint64(hosts)
	if len(w.frame) >= frameFull {
		w.end(frameApps)
		w.open()
	}
}

// finish ends the snapshot.
func (w *routesWriter) finish() error {
	if len(w.frame) > frameHead {
		w.end(frameApps)
		w.open()
	}
	w.frame = binary.AppendUvarint(binary.AppendUvarint(w.frame, w.apps), w.hosts)
	w.end(frameEnd)
	return w.err
}

// snapshot writes all of s.
func (w *routesWriter) snapshot(s *Snapshot) error {
	hosts := 0
	for i := range s.Apps {
		hosts += len(s.Apps[i].Hosts)
	}
	w.begin(s.Revision, uint64(len(s.Apps)), uint64(hosts))
	for i := range s.Apps {
		w.frame = appendApp(w.frame, &s.Apps[i])
		w.added(len(s.Apps[i].Hosts))
	}
	return w.finish()
}

// change writes a change.
func (w *routesWriter) change(c *Change) error {
	w.open()
	w.frame = binary.AppendVarint(w.frame, c.Revision)
	w.frame = binary.AppendUvarint(w.frame, uint64(len(c.Apps)))
	for i := range c.Apps {
		w.frame = appendApp(w.frame, &c.Apps[i])
	}
	w.frame = binary.AppendUvarint(w.frame, uint64(len(c.Gone)))
	for _, id := range c.Gone {
		w.frame = appendText(w.frame, id)
	}
	w.end(frameChange)
	return w.err
}
