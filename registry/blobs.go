package registry

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/kigo-dev/kigo/internal/atomicfile"
)

func (g *Registry) blobPath(d digest) string { return filepath.Join(g.Dir, "blobs", d.file()) }

func (q *request) markPath(d digest) string { return filepath.Join(q.repo, "blobs", d.file()) }

// touch is has for who is about to use the blob, which starts its time anew.
func (q *request) touch(d digest) bool {
	now := time.Now()
	return os.Chtimes(q.markPath(d), now, now) == nil
}

// has reports whether the repository has a blob.
func (q *request) has(d digest) bool {
	_, err := os.Stat(q.markPath(d))
	return err == nil
}

// mark notes that the repository has a blob, which is there.
func (q *request) mark(d digest) error { return write(q.markPath(d), nil) }

// write makes a small file and the folders above it, durably.
func write(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("keep pushed content: %w", err)
	}
	return atomicfile.Write(path, content, 0o600)
}

func (q *request) blobs() error {
	d, err := parseDigest(q.rest)
	if err != nil {
		return err
	}
	if !q.touch(d) {
		return refuse(http.StatusNotFound, "BLOB_UNKNOWN", "the repository %s has no blob %s", q.name, d)
	}
	switch q.r.Method {
	case http.MethodGet, http.MethodHead:
		f, err := os.Open(q.blobPath(d))
		if err != nil {
			return err
		}
		defer f.Close()
		st, err := f.Stat()
		if err != nil {
			return err
		}
		q.w.Header().Set("Content-Type", "application/octet-stream")
		q.w.Header().Set("Docker-Content-Digest", d.String())
		q.w.Header().Set("ETag", `"`+d.String()+`"`)
		http.ServeContent(q.w, q.r, "", st.ModTime(), f)
		return nil
	case http.MethodDelete:
		if err := os.Remove(q.markPath(d)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		q.w.WriteHeader(http.StatusAccepted)
		return nil
	}
	return q.unsupported()
}
