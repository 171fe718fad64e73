package static

import (
	"compress/gzip"
	"io"
	"net/http"
	"strings"
)

// minCompressed is the size below which compression costs more than it saves.
const minCompressed = 1 << 10

// zipper is an answer that is compressed while it is sent.
type zipper struct{ w http.ResponseWriter }

// compressed decides by kind, size and what the client takes. Ranges and
// revalidations are left to http.ServeContent.
func compressed(w http.ResponseWriter, r *http.Request, kind string, size int64) *zipper {
	if !compressible(kind) || size < minCompressed {
		return nil
	}
	w.Header().Add("Vary", "Accept-Encoding")
	takes := false
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, q, _ := strings.Cut(strings.TrimSpace(part), ";")
		takes = takes || name == "gzip" && strings.ReplaceAll(q, " ", "") != "q=0"
	}
	h := r.Header
	if !takes || r.Method != http.MethodGet || h.Get("Range") != "" || h.Get("If-None-Match") != "" || h.Get("If-Modified-Since") != "" {
		return nil
	}
	w.Header().Set("Content-Encoding", "gzip")
	if tag := w.Header().Get("ETag"); tag != "" {
		w.Header().Set("ETag", "W/"+tag)
	}
	return &zipper{w}
}

func (z *zipper) copy(r io.Reader) error {
	gz := gzip.NewWriter(z.w)
	if _, err := io.Copy(gz, r); err != nil {
		return err
	}
	return gz.Close()
}

func compressible(kind string) bool {
	kind, _, _ = strings.Cut(kind, ";")
	if strings.HasPrefix(kind, "text/") {
		return true
	}
	switch kind {
	case "application/javascript", "application/json", "application/xml", "application/wasm", "image/svg+xml", "application/manifest+json":
		return true
	}
	return false
}
