package router

import "sync"

// Buffers. A head that does not fit grows its buffer up to the limit of its side.
const (
	bufferSize  = 8 << 10  // of one side of an exchange
	relaySize   = 32 << 10 // for a body that does not fit that
	requestMax  = 64 << 10 // a request's head
	responseMax = 1 << 20  // a response's head
)

// buffer holds what was read and not yet used: b[r:w].
type buffer struct {
	b    []byte
	r, w int
}

var buffers = sync.Pool{New: func() any { return &buffer{b: make([]byte, bufferSize)} }}

var relays = sync.Pool{New: func() any { b := make([]byte, relaySize); return &b }}

func newBuffer() *buffer {
	b := buffers.Get().(*buffer)
	b.r, b.w = 0, 0
	return b
}

func (b *buffer) free() {
	if len(b.b) == bufferSize {
		buffers.Put(b)
	}
}

func (b *buffer) data() []byte { return b.b[b.r:b.w] }

func (b *buffer) empty() bool { return b.r == b.w }

// skip forgets the first n bytes.
func (b *buffer) skip(n int) {
	b.r += n
	if b.r == b.w {
		b.r, b.w = 0, 0
	}
}

// room makes space to read into; false when the data has reached limit. Slices
// of the data are void afterwards.
func (b *buffer) room(limit int) bool {
	if b.w < len(b.b) {
		return true
	}
	if b.r > 0 {
		b.w = copy(b.b, b.b[b.r:b.w])
		b.r = 0
		return true
	}
	if len(b.b) >= limit {
		return false
	}
	grown := make([]byte, min(2*len(b.b), limit))
	b.w = copy(grown, b.b[:b.w])
	b.b = grown
	return true
}

// fill reads once.
func (b *buffer) fill(w *wire) (int, error) {
	n, err := w.Read(b.b[b.w:])
	b.w += n
	return n, err
}
