package slug_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/kigo-dev/kigo/slug"
)

// archive is a tar of headers without content, and without its end.
func archiveOf(t *testing.T, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, h := range headers {
		w := tar.NewWriter(&b)
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func squeezed(t *testing.T, content []byte) (gz, zs []byte) {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), z.EncodeAll(content, nil)
}

// Layers whose bytes are wrong, one by one: each is told, and nothing of it stays.
func TestDamagedLayersAreRefused(t *testing.T) {
	whole := archiveOf(t, tar.Header{Typeflag: tar.TypeReg, Name: "a", Mode: 0o644, Size: 0})
	gz, zs := squeezed(t, append(whole, bytes.Repeat([]byte("x"), 4096)...))
	small := strings.Repeat("\x00", 1<<20)
	_, bomb := squeezed(t, []byte(strings.Repeat(small, 64)))
	huge := archiveOf(t, tar.Header{Typeflag: tar.TypeReg, Name: "a", Mode: 0o644, Size: 11 << 30, Format: tar.FormatGNU})
	sum := bytes.Clone(whole)
	sum[0] = 'b' // no longer what its checksum is of
	for _, c := range []struct {
		name, says string
		content    []byte
	}{
		{"a gzip that ends early", "Layer 1 of the image is damaged", gz[:len(gz)/2]},
		{"a gzip head alone", "Layer 1 of the image is damaged", gz[:10]},
		{"a zstd that ends early", "Layer 1 of the image is damaged", zs[:len(zs)-4]},
		{"a zstd head and garbage", "Layer 1 of the image is damaged", append(bytes.Clone(zs[:4]), bytes.Repeat([]byte{0xff}, 64)...)},
		{"a header with another checksum", "Layer 1 of the image is damaged", sum},
		{"half a header", "Layer 1 of the image is damaged", whole[:300]},
		{"a file of eleven gigabytes", "layers unpack to more than 10 GB", huge},
		{"a file that is not there whole", "of the image is damaged", archiveOf(t, tar.Header{Typeflag: tar.TypeReg, Name: "a", Size: 1 << 20})},
		{"a link to nowhere", "is a link to nowhere", archiveOf(t, tar.Header{Typeflag: tar.TypeSymlink, Name: "a", Linkname: ""})},
		{"a user of another app", "has the ids from 0 to", archiveOf(t, tar.Header{Typeflag: tar.TypeReg, Name: "a", Uid: 70000})},
		{"a group of another app", "has the ids from 0 to", archiveOf(t, tar.Header{Typeflag: tar.TypeReg, Name: "a", Gid: 70000})},
		{"a name of five thousand bytes", "whose name is too long", archiveOf(t, tar.Header{Typeflag: tar.TypeReg, Name: strings.Repeat("a/", 2500) + "b"})},
		{"megabytes of nothing, compressed", "", bomb},
		{"nothing at all", "", nil},
	} {
		s := &slug.Store{Dir: t.TempDir()}
		path := filepath.Join(t.TempDir(), "layer")
		if err := os.WriteFile(path, c.content, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.PackLayers(t.Context(), []*os.File{f}, slug.LayersOptions{UID: uint32(os.Getuid())})
		f.Close()
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v, not %q", c.name, err, c.says)
		}
		if left, _ := os.ReadDir(s.Dir); err != nil && len(left) > 0 {
			t.Errorf("%s: %d files stay", c.name, len(left))
		}
	}
}
