package router

import (
	"bytes"
	"errors"
)

// Limits of chunked bodies.
const (
	maxChunkDigits = 15
	maxExtension   = 256  // bytes after a chunk's size
	maxTrailers    = 8192 // bytes after the last chunk
)

var errChunk = errors.New("malformed chunk")

// Where a decoder stands.
const (
	chunkSize = iota
	chunkExtension
	chunkSizeEnd
	chunkData
	chunkDataEnd
	chunkDataEnd2
	chunkTrailer
	chunkTrailerLine
	chunkLast
	chunkDone
)

// chunked walks over a chunked body in place. What it leaves is canonical:
// extensions are gone, so nothing in them can be read differently by the next
// party, and trailers have been checked. With strip the framing goes too.
type chunked struct {
	state  int
	digits int
	other  int   // bytes of extension or trailers
	left   int64 // of the chunk
	strip  bool
	data   int64  // bytes of body seen
	line   []byte // of the trailers, being read
	tail   []byte // trailers and the empty line, to be sent last; nil without trailers
}

func (d *chunked) done() bool { return d.state == chunkDone }

// walk reads b, keeps what is to be passed on at its front and returns how long
// that is and how many bytes were read. Bytes after the body are not read.
func (d *chunked) walk(b []byte) (kept, read int, err error) {
	out := 0
	for i := 0; i < len(b); {
		if d.state == chunkData {
			n := int(min(d.left, int64(len(b)-i)))
			if out != i {
				copy(b[out:], b[i:i+n])
			}
			out, i = out+n, i+n
			d.data += int64(n)
			if d.left -= int64(n); d.left == 0 {
				d.state = chunkDataEnd
			}
			continue
		}
		c := b[i]
		i++
		pass, err := d.step(c)
		if err != nil {
			return out, i, err
		}
		if pass && !d.strip {
			b[out] = c
			out++
		}
		if d.state == chunkDone {
			return out, i, nil
		}
	}
	return out, len(b), nil
}

// step takes one byte of framing; pass says whether it is canonical.
func (d *chunked) step(c byte) (pass bool, err error) {
	switch d.state {
	case chunkSize:
		if v := unhex(c); v >= 0 {
			if d.digits++; d.digits > maxChunkDigits {
				return false, errChunk
			}
			d.left = d.left<<4 | int64(v)
			return true, nil
		}
		if d.digits == 0 {
			return false, errChunk
		}
		switch c {
		case '\r':
			d.state = chunkSizeEnd
			return true, nil
		case ';', ' ', '\t':
			d.state, d.other = chunkExtension, 0
			return false, nil
		}
		return false, errChunk
	case chunkExtension:
		if c == '\r' {
			d.state = chunkSizeEnd
			return true, nil
		}
		if d.other++; d.other > maxExtension || classes[c]&classValue == 0 {
			return false, errChunk
		}
		return false, nil
	case chunkSizeEnd:
		d.digits = 0
		if c != '\n' {
			return false, errChunk
		}
		if d.state = chunkData; d.left == 0 {
			d.state, d.other = chunkTrailer, 0
		}
		return true, nil
	case chunkDataEnd:
		d.state = chunkDataEnd2
		return true, want(c, '\r')
	case chunkDataEnd2:
		d.state = chunkSize
		return true, want(c, '\n')
	}
	return d.trailer(c)
}

// trailer reads header lines after the last chunk, up to an empty one.
func (d *chunked) trailer(c byte) (pass bool, err error) {
	if d.other++; d.other > maxTrailers {
		return false, errChunk
	}
	switch d.state {
	case chunkTrailer: // at the start of a line
		if c == '\r' {
			d.state = chunkLast
			return d.tail == nil, nil
		}
		d.line = append(d.line[:0], c)
		d.state = chunkTrailerLine
	case chunkTrailerLine:
		if d.line = append(d.line, c); c == '\n' {
			d.state = chunkTrailer
			return false, d.takeTrailer()
		}
	case chunkLast:
		d.state = chunkDone
		if d.tail != nil && !d.strip {
			d.tail = append(d.tail, lineEnd...)
			return false, want(c, '\n')
		}
		return true, want(c, '\n')
	}
	return false, nil
}

// trailersBanned would change what was already decided by the head; a message
// with one is refused. Others that mean something before a body are dropped.
var (
	trailersBanned  = [][]byte{[]byte("content-length"), []byte("transfer-encoding"), []byte("host")}
	trailersDropped = [][]byte{[]byte("cookie"), []byte("set-cookie"), []byte("authorization"), []byte("content-type"), []byte("content-encoding"), []byte("content-range"), []byte("cache-control"), []byte("location")}
)

func (d *chunked) takeTrailer() error {
	name, value, ok := cutHeader(d.line)
	if !ok || len(name) > maxName {
		return errChunk
	}
	for _, banned := range trailersBanned {
		if equalFold(name, banned) {
			return errChunk
		}
	}
	for _, dropped := range trailersDropped {
		if equalFold(name, dropped) {
			return nil
		}
	}
	var q request
	if keep, _ := q.take(name, value); keep && bytes.IndexByte(name, '_') < 0 {
		d.tail = append(d.tail, d.line...)
	}
	return nil
}

// last is what follows what walk kept, once the body is done: trailers.
func (d *chunked) last() []byte {
	if d.state == chunkDone && !d.strip {
		return d.tail
	}
	return nil
}

func want(c, wanted byte) error {
	if c != wanted {
		return errChunk
	}
	return nil
}
