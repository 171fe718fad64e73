package stack_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/stack"
)

// erofs is a file that says it is an image, with text in it.
func erofs(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "x.erofs")
	if err := os.WriteFile(file, []byte(strings.Repeat("\x00", 1024)+"\xe2\xe1\xf5\xe0"+text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestAnImageThatIsReplacedIsKeptWhileItIsNeeded(t *testing.T) {
	s := &stack.Store{Dir: t.TempDir()}
	first := erofs(t, "one")
	if _, err := s.Install("heroku-22", first); err == nil || !strings.Contains(err.Error(), "kigo stack build") {
		t.Fatalf("a stack that was never built: %v", err)
	}
	b, err := os.ReadFile(first)
	if err != nil {
		t.Fatal(err)
	}
	about := `{"name": "heroku-22", "variant": "run", "digest": "sha256:` + strings.Repeat("0", 64) + `", "image_size": 1031}`
	for name, text := range map[string]string{"heroku-22-run.erofs": string(b), "heroku-22-run.json": about} {
		if err := os.WriteFile(filepath.Join(s.Dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	old := "sha256:" + strings.Repeat("0", 64)
	info, err := s.Install("heroku-22", erofs(t, "two"))
	if err != nil || info.Digest == old {
		t.Fatal(info, err)
	}
	again, err := s.Install("heroku-22", erofs(t, "two"))
	if err != nil || again.Digest != info.Digest {
		t.Fatal(again, err)
	}
	image, _, err := s.Image("heroku-22", "run")
	if err != nil || image.Digest != info.Digest {
		t.Fatal(image, err)
	}
	path, err := s.Path(old)
	if err != nil {
		t.Fatal(err)
	}
	if kept, err := os.ReadFile(path); err != nil || string(kept) != string(b) {
		t.Error("the image before is not what it was", err)
	}
	if n, err := s.Forget(func(d string) bool { return d == old }); n != 0 || err != nil {
		t.Error(n, err)
	}
	if n, err := s.Forget(func(string) bool { return false }); n != 1 || err != nil {
		t.Error(n, err)
	}
	for _, digest := range []string{old, "sha256:../../etc/passwd", ""} {
		if _, err := s.Path(digest); !errors.Is(err, kigo.ErrNotFound) {
			t.Errorf("%q: %v", digest, err)
		}
	}
	notImage := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(notImage, []byte("hello"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Install("heroku-22", notImage); err == nil || !strings.Contains(err.Error(), "not an EROFS image") {
		t.Error(err)
	}
}
