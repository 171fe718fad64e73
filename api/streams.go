package api

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/kigo-dev/kigo"
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
	r, err := c.openStream(c.param("stream"))
	if err != nil {
		return reply{}, err // 404 until it has begun: clients try again
	}
	defer r.Close()
	h := c.w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	c.w.WriteHeader(http.StatusOK)
	out := flusher{c.w, http.NewResponseController(c.w)}
	if _, err := out.Write(nil); err != nil {
		return reply{}, nil // the reader is gone: nobody is left to tell
	}
	if _, err := io.Copy(out, r); err != nil {
		panic(http.ErrAbortHandler) // an end that is no end must not look like one
	}
	return reply{}, nil
}

// Dynos of release phases print within a moment; the official CLI asks only once
// and would tell its user to ask again.
const (
	streamWait = 3 * time.Second
	streamPoll = 50 * time.Millisecond
)

// openStream opens a stream, waiting a moment for one that has not begun.
func (c *call) openStream(key string) (io.ReadCloser, error) {
	for end := time.Now().Add(streamWait); ; {
		r, err := c.s.Output.Open(c.ctx(), key)
		if !errors.Is(err, kigo.ErrNotFound) || time.Now().After(end) {
			return r, err
		}
		select {
		case <-c.ctx().Done():
			return nil, c.ctx().Err()
		case <-time.After(streamPoll):
		}
	}
}

// flusher sends each piece at once.
type flusher struct {
	io.Writer
	*http.ResponseController
}

func (f flusher) Write(p []byte) (int, error) {
	n, err := f.Writer.Write(p)
	if err != nil {
		return n, err
	}
	return n, f.Flush()
}
