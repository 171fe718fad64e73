package shim

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func TestTheRuntimesRecordIsRestoredWhole(t *testing.T) {
	k := newKeeper(Order{ID: "web", Stage: t.TempDir()}, t.TempDir())
	if err := k.restoreRuntime(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(k.runtimeFile()); err == nil {
		t.Fatal("a record of nothing was written")
	}
	k.runtime = bytes.Repeat([]byte("x"), 1<<20)
	for range 10 {
		var calls sync.WaitGroup
		for range 8 {
			calls.Go(func() {
				if err := k.restoreRuntime(); err != nil {
					t.Error(err)
				}
				if got, err := os.ReadFile(k.runtimeFile()); err != nil || !bytes.Equal(got, k.runtime) {
					t.Errorf("%d bytes, %v; want %d", len(got), err, len(k.runtime))
				}
			})
		}
		calls.Wait()
		if err := os.RemoveAll(filepath.Dir(k.runtimeFile())); err != nil {
			t.Fatal(err)
		}
	}
}
