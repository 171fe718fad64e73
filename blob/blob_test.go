package blob_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/kigo-dev/kigo/blob"
	"github.com/kigo-dev/kigo/blob/blobtest"
)

func TestTheFolderStoreIsABlobStore(t *testing.T) {
	blobtest.Run(t, func(t *testing.T, limit int64) blobtest.Store {
		return &blob.Store{Dir: filepath.Join(t.TempDir(), "blobs"), Max: limit}
	})
}

func TestNoTemporaryFileStaysAfterARefusedBlob(t *testing.T) {
	dir := t.TempDir()
	s := &blob.Store{Dir: dir, Max: 1}
	f, err := os.Open("/dev/zero")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, _, err := s.Put(t.Context(), f); err == nil {
		t.Fatal("an endless blob was taken")
	}
	if names, _ := os.ReadDir(dir); len(names) != 0 {
		t.Errorf("left %v", names)
	}
}

func FuzzAValidKeyStaysInsideTheStore(f *testing.F) {
	for _, s := range []string{"a", "../a", ".", "a/..", "x.tgz", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, key string) {
		if blob.ValidKey(key) && filepath.Dir(filepath.Join("/store", key)) != "/store" {
			t.Errorf("key %q leaves the folder", key)
		}
	})
}
