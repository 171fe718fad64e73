package toolchain_test

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/sumdb/note"

	"github.com/kigo-dev/kigo/buildpack/toolchain"
)

// A module proxy that gives out another Go than the checksum database knows is found
// out, and nothing of it is kept.
func TestAGoThatIsNotTheOneOfTheChecksumDatabaseIsRefused(t *testing.T) {
	archive := goZip(t)
	file := filepath.Join(t.TempDir(), "go.zip")
	if err := os.WriteFile(file, archive, 0o644); err != nil {
		t.Fatal(err)
	}
	right, err := dirhash.HashZip(file, dirhash.Hash1)
	if err != nil {
		t.Fatal(err)
	}
	const wrong = "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	for known, want := range map[string]string{right: "", wrong: "what the module proxy sent has the checksum " + right + ", the checksum database says " + wrong} {
		signer, verifier, err := note.GenerateKey(rand.Reader, "127.0.0.1")
		if err != nil {
			t.Fatal(err)
		}
		database := sumdb.NewServer(sumdb.NewTestServer(signer, func(path, version string) ([]byte, error) {
			return fmt.Appendf(nil, "%s %s %s\n%s %s/go.mod %s\n", path, version, known, path, version, wrong), nil
		}))
		mux := http.NewServeMux()
		mux.Handle("/sumdb/127.0.0.1/", http.StripPrefix("/sumdb/127.0.0.1", database))
		mux.HandleFunc("/golang.org/toolchain/@v/v0.0.1-go1.25.10.linux-amd64.zip", func(w http.ResponseWriter, _ *http.Request) { w.Write(archive) })
		server := httptest.NewServer(mux)
		t.Cleanup(server.Close)
		t.Setenv("GOPROXY", server.URL)
		t.Setenv("GOSUMDB", verifier)
		dir := t.TempDir()
		sum, err := toolchain.Fetch(t.Context(), toolchain.Tool{Kind: "go", Version: "1.25.10"}, dir)
		if want == "" {
			if err != nil || sum != right {
				t.Errorf("the right one: %s, %v", sum, err)
			}
			continue
		}
		left, _ := os.ReadDir(dir)
		if err == nil || !strings.Contains(err.Error(), want) || len(left) > 0 {
			t.Errorf("another one: %v; want %q; left %v", err, want, left)
		}
	}
}
