package slug

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/zstd"
)

// chunkSize is how much of the archive is compressed as one piece, so that the
// cores share the work; the pieces together are a valid zstd stream.
const chunkSize = 2 << 20

// counter makes a compressed tar archive of what goes into an image and keeps
// nothing of it but its length. It is an image.Tee.
type counter struct {
	tar    *tar.Writer
	chunk  []byte
	chunks chan []byte
	spare  sync.Pool
	done   sync.WaitGroup
	size   atomic.Int64
	raw    int64
	failed atomic.Pointer[error]
}

func newCounter() *counter {
	c := &counter{chunks: make(chan []byte)}
	c.tar = tar.NewWriter(chunker{c})
	for range max(1, min(4, runtime.GOMAXPROCS(0)-1)) {
		c.done.Go(c.compress)
	}
	return c
}

// Entry and Write take what the image takes.
func (c *counter) Entry(name, target string, info fs.FileInfo) error {
	h, err := tar.FileInfoHeader(info, target)
	if err != nil {
		return fmt.Errorf("describe %s: %w", name, err)
	}
	h.Name = archiveRoot + name
	if info.IsDir() {
		h.Name += "/"
	}
	return c.tar.WriteHeader(h)
}

func (c *counter) Write(p []byte) (int, error) {
	if c.raw += int64(len(p)); c.raw > maxBytes {
		return 0, refuse("The app's files have more than %d GB, the most that a slug may hold.", maxBytes>>30)
	}
	return c.tar.Write(p)
}

// Close ends the archive and returns its compressed size.
func (c *counter) Close() (int64, error) {
	err := c.tar.Close()
	if len(c.chunk) > 0 {
		c.chunks <- c.chunk
	}
	close(c.chunks)
	c.done.Wait()
	if f := c.failed.Load(); f != nil && err == nil {
		err = *f
	}
	if err != nil {
		return 0, fmt.Errorf("count slug: %w", err)
	}
	return c.size.Load(), nil
}

func (c *counter) compress() {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		c.failed.Store(&err)
	}
	var buf []byte
	for chunk := range c.chunks {
		if enc != nil {
			buf = enc.EncodeAll(chunk, buf[:0])
			c.size.Add(int64(len(buf)))
		}
		c.spare.Put(&chunk)
	}
}

// chunker is the archive's sink: it cuts it into pieces.
type chunker struct{ *counter }

var _ io.Writer = chunker{}

func (c chunker) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		if c.chunk == nil {
			c.counter.chunk = c.buffer()
		}
		k := min(len(p), chunkSize-len(c.chunk))
		c.counter.chunk = append(c.chunk, p[:k]...)
		p = p[k:]
		if len(c.chunk) == chunkSize {
			c.chunks <- c.chunk
			c.counter.chunk = nil
		}
	}
	return n, nil
}

func (c *counter) buffer() []byte {
	if b, ok := c.spare.Get().(*[]byte); ok {
		return (*b)[:0]
	}
	return make([]byte, 0, chunkSize)
}
