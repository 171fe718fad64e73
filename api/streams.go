package api

import (
	"io"
	"net/http"
	"time"
)

const streamPrefix = "/streams/"

// streamURL is the capability to read the output stream of that key. It is the
// same each time, so that what holds it has a stable ETag.
func (c *call) streamURL(key string) string {
	if key == "" {
		return ""
	}
	return c.s.sign(c.r, http.MethodGet, streamPrefix+key, time.Time{})
}

// streamGet sends a stream from its beginning until its end, as it grows.
func streamGet(c *call) (reply, error) {
	if !c.s.signed(c.r, http.MethodGet) {
		return reply{}, badCapability()
	}
	r, err := c.s.Output.Open(c.ctx(), c.param("stream"))
	if err != nil {
		return reply{}, err // 404 until it has begun: clients try again
	}
	defer r.Close()
	h := c.w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	c.w.WriteHeader(http.StatusOK)
	flush := http.NewResponseController(c.w)
	flush.Flush()
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			if _, err := c.w.Write(buf[:n]); err != nil {
				return reply{}, nil // the reader is gone
			}
			flush.Flush()
		}
		switch {
		case err == io.EOF:
			return reply{}, nil
		case err != nil:
			panic(http.ErrAbortHandler) // an end that is no end must not look like one
		}
	}
}
