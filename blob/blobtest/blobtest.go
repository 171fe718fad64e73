// Package blobtest is what every blob store must do, as one suite to run against
// each implementation. Start with Run.
package blobtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/blob"
)

// Store is what the suite needs.
type Store interface {
	Put(ctx context.Context, r io.Reader) (key string, size int64, err error)
	PutKey(ctx context.Context, key string, r io.Reader) (size int64, err error)
	Open(ctx context.Context, key string) (*os.File, error)
	Stat(ctx context.Context, key string) (blob.Info, error)
	Delete(ctx context.Context, key string) error
	List(ctx context.Context) ([]blob.Info, error)
}

// Run checks an implementation; open returns an empty store that takes blobs of
// at most limit bytes.
func Run(t *testing.T, open func(t *testing.T, limit int64) Store) {
	t.Run("content keys are the SHA-256 and equal content is kept once", func(t *testing.T) { contentKeys(t, open(t, 0)) })
	t.Run("a named key is replaced whole", func(t *testing.T) { named(t, open(t, 0)) })
	t.Run("a missing blob is not found and deleting it is fine", func(t *testing.T) { missing(t, open(t, 0)) })
	t.Run("keys that could leave the store are refused", func(t *testing.T) { badKeys(t, open(t, 0)) })
	t.Run("a blob over the limit is refused and leaves nothing", func(t *testing.T) { limit(t, open(t, 8)) })
	t.Run("a failing source leaves nothing", func(t *testing.T) { failing(t, open(t, 0)) })
}

func contentKeys(t *testing.T, s Store) {
	for range 2 {
		key, size, err := s.Put(t.Context(), strings.NewReader("hello"))
		const want = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
		if err != nil || size != 5 || key != want {
			t.Fatalf("Put = %q, %d, %v; want %q, 5", key, size, err, want)
		}
		wantContent(t, s, key, "hello")
	}
	if all, err := s.List(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("List = %v, %v; want one", all, err)
	}
}

func named(t *testing.T, s Store) {
	for _, text := range []string{"the first and longer", "second", ""} {
		size, err := s.PutKey(t.Context(), "upload-1.tgz", strings.NewReader(text))
		if err != nil || size != int64(len(text)) {
			t.Fatalf("PutKey = %d, %v", size, err)
		}
		wantContent(t, s, "upload-1.tgz", text)
	}
	info, err := s.Stat(t.Context(), "upload-1.tgz")
	if err != nil || info.Size != 0 || info.Created.IsZero() {
		t.Errorf("Stat = %+v, %v", info, err)
	}
	if err := s.Delete(t.Context(), "upload-1.tgz"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(t.Context(), "upload-1.tgz"); !errors.Is(err, kigo.ErrNotFound) {
		t.Errorf("Open after Delete: %v", err)
	}
}

func missing(t *testing.T, s Store) {
	if _, err := s.Open(t.Context(), "none"); !errors.Is(err, kigo.ErrNotFound) {
		t.Errorf("Open: %v", err)
	}
	if _, err := s.Stat(t.Context(), "none"); !errors.Is(err, kigo.ErrNotFound) {
		t.Errorf("Stat: %v", err)
	}
	if err := s.Delete(t.Context(), "none"); err != nil {
		t.Errorf("Delete: %v", err)
	}
	if all, err := s.List(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("List = %v, %v", all, err)
	}
}

func badKeys(t *testing.T, s Store) {
	for _, key := range []string{"", ".", "..", "../x", "a/b", "/etc/passwd", ".tmp-1", "a\x00b", "a b", strings.Repeat("a", 129)} {
		if _, err := s.PutKey(t.Context(), key, strings.NewReader("x")); !errors.Is(err, blob.ErrKey) {
			t.Errorf("PutKey(%q): %v", key, err)
		}
		if _, err := s.Open(t.Context(), key); !errors.Is(err, blob.ErrKey) {
			t.Errorf("Open(%q): %v", key, err)
		}
		if _, err := s.Stat(t.Context(), key); !errors.Is(err, blob.ErrKey) {
			t.Errorf("Stat(%q): %v", key, err)
		}
		if err := s.Delete(t.Context(), key); !errors.Is(err, blob.ErrKey) {
			t.Errorf("Delete(%q): %v", key, err)
		}
	}
}

func limit(t *testing.T, s Store) {
	if _, _, err := s.Put(t.Context(), strings.NewReader("12345678")); err != nil {
		t.Fatalf("a blob of just the limit: %v", err)
	}
	_, _, err := s.Put(t.Context(), strings.NewReader("123456789"))
	if !errors.Is(err, kigo.ErrInvalid) {
		t.Errorf("a blob over the limit: %v", err)
	}
	if all, _ := s.List(t.Context()); len(all) != 1 {
		t.Errorf("List = %v; want one", all)
	}
}

func failing(t *testing.T, s Store) {
	broken := io.MultiReader(bytes.NewReader(make([]byte, 100)), brokenReader{})
	if _, _, err := s.Put(t.Context(), broken); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("Put of a broken source: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.PutKey(ctx, "k", strings.NewReader("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("PutKey after cancel: %v", err)
	}
	if all, _ := s.List(t.Context()); len(all) != 0 {
		t.Errorf("left %v", all)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func wantContent(t *testing.T, s Store, key, want string) {
	t.Helper()
	f, err := s.Open(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := io.ReadAll(f)
	if err != nil || string(got) != want {
		t.Errorf("content %q, %v; want %q", got, err, want)
	}
}
