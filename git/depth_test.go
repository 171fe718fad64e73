package git

import (
	"bytes"
	"crypto/rand"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/internal/testenv"
)

func TestAPackOverTheLimitIsRefusedAndLeavesNothing(t *testing.T) {
	s := newSite(t)
	s.git.MaxPush = 1 << 20
	w := s.work("myapp")
	data := make([]byte, 8<<20)
	rand.Read(data)
	w.commit("big", string(data))
	out, err := w.run("push", "heroku", "main")
	if err == nil || !strings.Contains(out, "pack exceeds maximum allowed size") {
		t.Errorf("%v %s", err, out)
	}
	if n := (repo{path: s.git.path(s.apps["myapp"].ID)}).size(); n > 64<<10 {
		t.Errorf("%d bytes are left", n)
	}
	w.must("reset", "-q", "--soft", "HEAD") // the working copy is as good as before
}

func TestAForcedPushIsBuilt(t *testing.T) {
	s := newSite(t)
	w := s.work("myapp")
	w.commit("a", "1")
	w.must("push", "heroku", "main")
	w.must("commit", "-q", "--amend", "-m", "other")
	if out, err := w.run("push", "heroku", "main"); err == nil {
		t.Error(out)
	}
	w.must("push", "--force", "heroku", "main")
	if len(s.sources) != 2 {
		t.Errorf("%d builds", len(s.sources))
	}
}

func TestAPushThatIsCutOffLeavesNothing(t *testing.T) {
	s := newSite(t)
	w := s.work("myapp")
	data := make([]byte, 4<<20)
	rand.Read(data)
	w.commit("big", string(data))
	head := strings.TrimSpace(w.must("rev-parse", "HEAD"))
	pack := w.command(t.Context(), "pack-objects", "--stdout", "--revs", "-q")
	pack.Stdin = strings.NewReader("HEAD\n")
	content, err := pack.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []int{10, 50, 99} {
		_, _ = w.post(io.MultiReader(bytes.NewReader(content[:len(content)*part/100]), cutOff{}), head) // the connection breaks
	}
	s.quiet(t)
	s.nothingLeft(t)
	if len(s.sources) != 0 {
		t.Errorf("%d builds", len(s.sources))
	}
	w.must("push", "heroku", "main")
}

type cutOff struct{}

func (cutOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestTheRepositoryBelongsToTheApp(t *testing.T) {
	testenv.NeedsRoot(t)
	s := newSite(t)
	w := s.work("myapp")
	w.commit("a", "1")
	w.must("push", "heroku", "main")
	app := s.apps["myapp"]
	err := filepath.WalkDir(s.git.path(app.ID), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if uid := owner(t, path); uid != app.UIDBase+uidOffset {
			t.Errorf("%s belongs to %d", path, uid)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestABuildThatCannotStartRejectsThePush(t *testing.T) {
	s := newSite(t)
	w := s.work("myapp")
	w.commit("a", "1")
	s.refuse = kigo.Conflict("A build of myapp is already in progress.")
	out, err := w.run("push", "heroku", "main")
	if err == nil || !strings.Contains(out, "remote:  !     A build of myapp is already in progress.\n") || !strings.Contains(out, "remote: !	Push rejected to myapp.") {
		t.Errorf("%v %s", err, out)
	}
}
