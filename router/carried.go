package router

import (
	"errors"
	"fmt"
	"io"
)

// carried is a request that came in another framing than HTTP/1.1's: a stream of HTTP/2 or
// HTTP/3. To the rest it is a connection with one request.
type carried interface {
	readable() error // waits until there is something to read
	writable() error // waits until something would be taken
	forsaken() bool  // the client wants no answer any more
	trail(text []byte)
}

// framedBody is a carried request's body as HTTP/1.1 has it.
type framedBody struct {
	chunked bool   // its length is not known
	pending []byte // to be read first
	over    bool   // its end was passed on
}

const chunkRoom = len("ffff\r\n") + len("\r\n")

// read fills p from what take gives: as it is, or in chunks.
func (f *framedBody) read(p []byte, take func([]byte) (int, error), trailers func() []byte) (int, error) {
	if len(f.pending) > 0 {
		n := copy(p, f.pending)
		f.pending = f.pending[n:]
		return n, nil
	}
	if !f.chunked {
		return take(p)
	}
	if f.over {
		return 0, io.EOF
	}
	part := p
	if len(p) < 512 {
		part = make([]byte, 512)
	}
	n, err := take(part[len("ffff\r\n") : min(len(part), 0xffff)-len("\r\n")])
	switch {
	case n > 0:
		copy(part, fmt.Appendf(nil, "%04x\r\n", n))
		copy(part[len("ffff\r\n")+n:], "\r\n")
		part = part[:n+chunkRoom]
	case errors.Is(err, io.EOF):
		f.over = true
		part = append(append([]byte("0\r\n"), trailers()...), "\r\n"...)
	default:
		return 0, err
	}
	n = copy(p, part)
	f.pending = part[n:]
	return n, nil
}
