package router

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// A router that could not write its routes, and then ends, does not write them over those
// of the next one.
func TestAKeeperThatLeavesTriesNothingAgain(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "routes")
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // where a folder is to be
		t.Fatal(err)
	}
	failed, stop, ended := make(chan error, 10), make(chan struct{}), make(chan struct{})
	k := newKeeper(filepath.Join(dir, "routes"), func(err error) { failed <- err })
	go func() { defer close(ended); k.run(keepAgain*1000, stop) }()
	k.keep(&Snapshot{Revision: 1})
	if err := <-failed; err == nil {
		t.Fatal("it did not fail")
	}
	k.leave()
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	close(stop)
	<-ended
	if _, err := os.Stat(k.path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file was written: %v", err)
	}
}
