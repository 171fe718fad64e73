package logplex

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"time"

	"github.com/kigo-dev/kigo"
)

// A frame is what files and sockets carry: length of the body and its CRC-32C
// (four bytes each, little-endian), then the body: one byte of kind and fields.
// Strings are a uvarint length and bytes.
const (
	frameLine   = 1 // id, time (nanoseconds, signed), source, process, message
	frameOrigin = 2 // seq, name
	frameFor    = 3 // app id, then as frameLine (sockets)
	frameLost   = 4 // app id, count, since (nanoseconds) (sockets)
	frameNumber = 5 // number of the next line (files)
	frameEnd    = 6 // what was written at once is whole (files)

	frameHead = 8
	maxFrame  = 4 * kigo.MaxLogLine // of a body
)

var (
	errShort  = errors.New("frame is not complete")
	errFrame  = errors.New("frame is damaged")
	crcTable  = crc32.MakeTable(crc32.Castagnoli)
	emptyHead [frameHead]byte
)

// begin starts a frame at the end of b; finish completes it.
func begin(b []byte, kind byte) []byte { return append(append(b, emptyHead[:]...), kind) }

func finish(b []byte, start int) []byte {
	body := b[start+frameHead:]
	binary.LittleEndian.PutUint32(b[start:], uint32(len(body)))
	binary.LittleEndian.PutUint32(b[start+4:], crc32.Checksum(body, crcTable))
	return b
}

func appendLine(b []byte, id uint64, l *kigo.LogLine) []byte {
	start := len(b)
	b = begin(b, frameLine)
	b = binary.AppendUvarint(b, id)
	b = binary.AppendVarint(b, l.Time.UnixNano())
	b = appendString(b, l.Source)
	b = appendString(b, l.Process)
	b = appendString(b, l.Message)
	return finish(b, start)
}

func appendOrigin(b []byte, name string, seq uint64) []byte {
	start := len(b)
	b = begin(b, frameOrigin)
	b = binary.AppendUvarint(b, seq)
	b = appendString(b, name)
	return finish(b, start)
}

func appendNumber(b []byte, number uint64) []byte {
	start := len(b)
	return finish(binary.AppendUvarint(begin(b, frameNumber), number), start)
}

func appendEnd(b []byte) []byte { return finish(begin(b, frameEnd), len(b)) }

// whole cuts off what a killed process had not written to its end: lines whose
// positions are missing would come a second time. A file without a single whole
// write was cut by something else than a kill: then all is kept that can be read.
func whole(data []byte) []byte {
	end := 0
	for rest := data; len(rest) > 0; {
		body, next, err := cut(rest)
		if err != nil {
			break
		}
		if body[0] == frameEnd {
			end = len(data) - len(next)
		}
		rest = next
	}
	if end == 0 {
		return data
	}
	return data[:end]
}

func appendFor(b []byte, app kigo.AppID, at time.Time, source, process string) []byte {
	b = appendString(begin(b, frameFor), string(app))
	b = append(b, 0) // no id yet
	b = binary.AppendVarint(b, at.UnixNano())
	b = appendString(b, source)
	return appendString(b, process)
}

func appendLost(b []byte, app kigo.AppID, n int, since time.Time) []byte {
	start := len(b)
	b = appendString(begin(b, frameLost), string(app))
	b = binary.AppendUvarint(b, uint64(n))
	b = binary.AppendVarint(b, since.UnixNano())
	return finish(b, start)
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// cut takes one frame off data: its body and what follows. errShort: more bytes
// are needed.
func cut(data []byte) (body, rest []byte, err error) {
	if len(data) < frameHead {
		return nil, data, errShort
	}
	n := binary.LittleEndian.Uint32(data)
	if n == 0 || n > maxFrame {
		return nil, data, errFrame
	}
	if len(data) < frameHead+int(n) {
		return nil, data, errShort
	}
	body = data[frameHead : frameHead+int(n)]
	if crc32.Checksum(body, crcTable) != binary.LittleEndian.Uint32(data[4:]) {
		return nil, data, errFrame
	}
	return body, data[frameHead+int(n):], nil
}

// fields reads a body from left to right; after a bad field everything is zero
// and ok is false.
type fields struct {
	b  []byte
	ok bool
}

func (f *fields) uint() uint64 {
	v, n := binary.Uvarint(f.b)
	f.advance(n)
	return v
}

func (f *fields) int() int64 {
	v, n := binary.Varint(f.b)
	f.advance(n)
	return v
}

func (f *fields) bytes() []byte {
	n := f.uint()
	if n > uint64(len(f.b)) {
		f.b, f.ok = nil, false
		return nil
	}
	s := f.b[:n]
	f.b = f.b[n:]
	return s
}

func (f *fields) advance(n int) {
	if n <= 0 {
		f.b, f.ok = nil, false
		return
	}
	f.b = f.b[n:]
}

// names shares the few different sources and processes among many lines.
type names map[string]string

func (n names) of(b []byte) string {
	if s, ok := n[string(b)]; ok {
		return s
	}
	if len(n) > 4096 {
		clear(n)
	}
	s := string(b)
	n[s] = s
	return s
}

// line reads the fields of a frameLine after its kind.
func (f *fields) line(n names) (id uint64, l kigo.LogLine) {
	id = f.uint()
	l.Time = time.Unix(0, f.int()).UTC()
	l.Source = n.of(f.bytes())
	l.Process = n.of(f.bytes())
	l.Message = string(f.bytes())
	return id, l
}
