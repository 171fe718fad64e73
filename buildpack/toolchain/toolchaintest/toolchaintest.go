// Package toolchaintest gives tests real toolchains: fetched from their sources
// once per machine and shared by all tests. Start with Store.
package toolchaintest

import (
	"cmp"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo/buildpack/toolchain"
)

// DefaultStore is where tests keep toolchains unless KIGO_TOOLCHAIN_CACHE says
// otherwise.
const DefaultStore = "/var/tmp/kigo-toolchains"

// Store has the tools of those names, such as "ruby-3.1", in the shared store, and
// what the test runs look for them there. It returns the store's folder.
func Store(t testing.TB, names ...string) string {
	t.Helper()
	dir := cmp.Or(os.Getenv("KIGO_TOOLCHAIN_CACHE"), DefaultStore)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, ".lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		fetch(t, dir, name)
	}
	return dir
}

func fetch(t testing.TB, dir, name string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
		return
	}
	tool, err := toolchain.ParseName(name)
	if err != nil {
		t.Fatal(err)
	}
	tmp, err := os.MkdirTemp(dir, ".fetch-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(tmp)
	if err := os.Chmod(tmp, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := toolchain.Fetch(t.Context(), tool, tmp); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(tmp, filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}
