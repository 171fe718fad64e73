package git

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/internal/testenv"
)

func TestABigPushNeedsLittleMemory(t *testing.T) {
	s := newSite(t)
	w := s.work("myapp")
	big, err := os.Create(filepath.Join(w.dir, "big"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(big, rand.Reader, 96<<20); err != nil {
		t.Fatal(err)
	}
	if err := big.Close(); err != nil {
		t.Fatal(err)
	}
	w.must("add", "-A")
	w.must("-c", "core.compression=0", "commit", "-q", "-m", "big")
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	w.must("-c", "core.compression=0", "push", "heroku", "main")
	runtime.ReadMemStats(&after)
	if allocated := (after.TotalAlloc - before.TotalAlloc) >> 20; allocated > 32 {
		t.Errorf("a push of 96 MB allocated %d MB", allocated)
	}
}

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

func TestHostileTreesAreRefused(t *testing.T) {
	for name, path := range map[string]string{".git": ".git", "in capitals": ".GIT", "short name": "git~1", "parent": ".."} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			w := s.work("myapp")
			w.commit("a", "1")
			blob := strings.TrimSpace(w.must("rev-parse", "HEAD:a"))
			raw := make([]byte, 20)
			if _, err := fmt.Sscanf(blob, "%x", &raw); err != nil {
				t.Fatal(err)
			}
			tree := fmt.Sprintf("100644 %s\x00%s", path, raw)
			cmd := w.command(t.Context(), "hash-object", "-t", "tree", "-w", "--stdin", "--literally")
			cmd.Stdin = strings.NewReader(tree)
			id, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			commit := strings.TrimSpace(w.must("commit-tree", "-m", "bad", strings.TrimSpace(string(id))))
			out, err := w.run("push", "heroku", commit+":refs/heads/main")
			if err == nil || len(s.sources) != 0 {
				t.Errorf("%v %s", err, out)
			}
		})
	}
}

func TestATagAtMainIsRefused(t *testing.T) {
	s := newSite(t)
	w := s.work("myapp")
	w.commit("a", "1")
	w.must("tag", "-a", "-m", "tag", "v1")
	out, err := w.run("push", "heroku", "v1:refs/heads/main")
	if err == nil || len(s.sources) != 0 {
		t.Errorf("%v %d builds\n%s", err, len(s.sources), out)
	}
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
	command := fmt.Sprintf("%s %s refs/heads/main\x00report-status side-band-64k", strings.Repeat("0", 40), head)
	body := append(fmt.Appendf(nil, "%04x%s0000", 4+len(command), command), content...)
	for _, part := range []int{10, 50, 99} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.remote("myapp", "")+"/git-receive-pack",
			io.MultiReader(bytes.NewReader(body[:len(body)*part/100]), cutOff{}))
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth("x", goodToken)
		r.Header.Set("Content-Type", "application/x-git-receive-pack-request")
		if answer, err := s.Client().Do(r); err == nil {
			answer.Body.Close()
		}
	}
	eventually(t, func() bool {
		s.git.mu.Lock()
		defer s.git.mu.Unlock()
		return len(s.git.live) == 0
	})
	path := s.git.path(s.apps["myapp"].ID)
	err = filepath.WalkDir(path, func(path string, d fs.DirEntry, err error) error {
		if strings.Contains(d.Name(), "incoming") || strings.HasPrefix(d.Name(), "tmp_") {
			t.Errorf("left: %s", path)
		}
		return err
	})
	if err != nil || len(s.sources) != 0 {
		t.Errorf("%v, %d builds", err, len(s.sources))
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
