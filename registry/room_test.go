package registry_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kigo-dev/kigo/registry"
)

func TestNothingIsStoredOnADiskThatIsAlmostFull(t *testing.T) {
	full := false
	g := &registry.Registry{Dir: t.TempDir(), Access: func(*http.Request, string, bool) (string, error) { return "app_web", nil },
		Room: func() error {
			if full {
				return errors.New("the disk is almost full")
			}
			return nil
		}}
	do := func(method, path, body string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		g.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body)))
		return w
	}
	begun := do(http.MethodPost, "/v2/app/web/blobs/uploads/", "")
	if begun.Code != http.StatusAccepted {
		t.Fatalf("with room: %d %s", begun.Code, begun.Body)
	}
	full = true
	for _, r := range []*httptest.ResponseRecorder{
		do(http.MethodPost, "/v2/app/web/blobs/uploads/", ""),
		do(http.MethodPatch, begun.Header().Get("Location"), "x"),
	} {
		if r.Code != http.StatusInsufficientStorage || !strings.Contains(r.Body.String(), "almost full") {
			t.Errorf("without room: %d %s", r.Code, r.Body)
		}
	}
	uploads, err := filepath.Glob(filepath.Join(g.Dir, "uploads", "*"))
	if err != nil || len(uploads) != 1 {
		t.Fatalf("uploads: %v %v", uploads, err)
	}
	if st, err := os.Stat(uploads[0]); err != nil || st.Size() != 0 {
		t.Errorf("the upload has %v, %v", st, err)
	}
	old := time.Now().Add(-48 * time.Hour)
	if err := os.Chtimes(uploads[0], old, old); err != nil {
		t.Fatal(err)
	}
	if err := g.Sweep(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(uploads[0]); !os.IsNotExist(err) {
		t.Errorf("an upload that nobody goes on with: %v", err)
	}
}
