package git

import (
	"crypto/rand"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// A push of 300 MB goes through in pieces: neither this process, nor git as it is
// called, ever holds it.
func TestALargePushNeedsLittleMemory(t *testing.T) {
	const size = 300 << 20
	s := newSite(t)
	w := s.work("myapp")
	f, err := os.Create(filepath.Join(w.dir, "large"))
	if err == nil {
		_, err = io.CopyN(f, rand.Reader, size)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	w.must("config", "core.compression", "0")
	w.must("config", "core.bigFileThreshold", "1m")
	w.must("add", "-A")
	w.must("commit", "-q", "-m", "large")
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	w.must("push", "heroku", "main")
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 64<<20 { // all that was ever held, not only at once
		t.Errorf("a push of %d MB took %d MB of the server's memory", size>>20, took>>20)
	}
	if len(s.sources) != 1 {
		t.Fatalf("%d sources", len(s.sources))
	}
	blob, err := s.git.Blobs.Open(t.Context(), s.sources[0].Blob)
	if err != nil {
		t.Fatal(err)
	}
	defer blob.Close()
	if n, err := io.Copy(io.Discard, blob); err != nil || n < size {
		t.Errorf("the source has %d bytes, %v", n, err)
	}
}
