package toolchain_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo/buildpack/toolchain"
)

// mirror is an operator's mirror with one good Ruby, one whose link leads out and
// one whose checksum is another's.
func mirror(t *testing.T) {
	t.Helper()
	files := map[string][]byte{"/ruby-3.3.6.tar.gz": rubyArchive(t, "ruby"), "/ruby-3.4.1.tar.gz": rubyArchive(t, "../../../etc/passwd"), "/ruby-3.2.0.tar.gz": []byte("damaged")}
	var sums strings.Builder
	sums.WriteString("# of the operator\n")
	for name, data := range files {
		if name == "/ruby-3.2.0.tar.gz" {
			data = nil
		}
		fmt.Fprintf(&sums, "%x  .%s\n", sha256.Sum256(data), name)
	}
	files["/SHA256SUMS"] = []byte(sums.String())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if data, ok := files[r.URL.Path]; ok {
			w.Write(data)
			return
		}
		http.NotFound(w, r)
	}))
	t.Cleanup(server.Close)
	t.Setenv(toolchain.MirrorVar, server.URL+"/")
}

func rubyArchive(t *testing.T, link string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, h := range []tar.Header{{Name: "ruby-x/bin/ruby", Typeflag: tar.TypeReg, Mode: 0o755}, {Name: "ruby-x/bin/ruby3", Typeflag: tar.TypeSymlink, Linkname: link}} {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestTheOperatorsMirrorHasWhatDebianHasNot(t *testing.T) {
	mirror(t)
	for want, found := range map[string]string{"": "ruby-3.4.1", "3.3.6": "ruby-3.3.6", "~> 3.3": "ruby-3.3.6", "3.1.2": "ruby-3.1", "~> 3.1.0": "ruby-3.1"} {
		if got, err := toolchain.Pick(t.Context(), "ruby", want); err != nil || got.Name() != found {
			t.Errorf("%q: %s, %v; want %s", want, got.Name(), err, found)
		}
	}
	if _, err := toolchain.Pick(t.Context(), "ruby", "2.7.0"); err == nil || err.Error() != "ruby 2.7.0: no such version; there is 3.2.0, 3.3.6, 3.4.1, 3.1" {
		t.Errorf("2.7.0: %v", err)
	}
	dir := t.TempDir()
	if _, err := toolchain.Fetch(t.Context(), toolchain.Tool{Kind: "ruby", Version: "3.3.6"}, dir); err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(filepath.Join(dir, "bin/ruby3")); err != nil || st.Mode()&0o111 == 0 {
		t.Errorf("bin/ruby3: %v %v", st, err)
	}
	for version, want := range map[string]string{
		"3.4.1": "a link leads out of it, to ../../../etc/passwd", "3.2.0": "SHA256SUMS says e3b0c44298fc", "3.9.9": "there is ruby 3.1 alone in Debian; the operator's mirror: the operator's mirror of toolchains has none",
	} {
		_, err := toolchain.Fetch(t.Context(), toolchain.Tool{Kind: "ruby", Version: version}, t.TempDir())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", version, err, want)
		}
	}
}

func TestAMirrorThatIsDownIsTold(t *testing.T) {
	t.Setenv(toolchain.MirrorVar, "http://127.0.0.1:1")
	if got, err := toolchain.Pick(t.Context(), "jdk", "17"); err != nil || got.Name() != "jdk-17" {
		t.Errorf("what Debian has: %v, %v", got, err)
	}
	_, err := toolchain.Pick(t.Context(), "jdk", "21")
	if err == nil || !strings.Contains(err.Error(), "jdk 21: no such version; there is 17, and the operator's mirror cannot be asked: ") {
		t.Error(err)
	}
}
