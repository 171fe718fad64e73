package git

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/kigo-dev/kigo"
)

func TestLinesReachTheClientAsTheyAreProduced(t *testing.T) {
	s := newSite(t)
	w := s.work("myapp")
	w.commit("Procfile", "web: ./web\n")
	next := make(chan string)
	s.build = func(out io.Writer) kigo.BuildStatus {
		for line := range next {
			fmt.Fprintln(out, line)
		}
		return kigo.BuildSucceeded
	}
	p := w.start("push", "heroku", "main")
	for i := range 5 {
		line := fmt.Sprintf("-----> Step %d", i)
		select {
		case next <- line:
		case err := <-p.err:
			t.Fatalf("the push ended: %v\n%s", err, p.all.String())
		}
		p.until(t, line) // it is shown before the next one is written
	}
	close(next)
	if err := p.wait(); err != nil {
		t.Fatalf("%v\n%s", err, p.all.String())
	}
}

func TestAPushShowsTheTranscript(t *testing.T) {
	s := newSite(t)
	w := s.work("myapp")
	id := w.commit("Procfile", "web: ./web\n")
	s.phase = func(out io.Writer) kigo.ReleaseStatus {
		fmt.Fprintln(out, "migrated")
		return kigo.ReleaseSucceeded
	}
	out := w.must("push", "heroku", "main")
	_, out, _ = strings.Cut(out, "remote: ")
	want := `Updated 1 paths from ` + id + `
remote: Compressing source files... done.
remote: Building source:
remote:
remote: -----> Launching...
remote:
remote: Verifying deploy... done.
remote: Running release command...
remote:
remote: migrated
remote: Waiting for release.... done.
To ` + s.remote("myapp", "") + `
 * [new branch]      main -> main
`
	if diff := cmp.Diff(want, out); diff != "" {
		t.Error(diff)
	}
	full := strings.TrimSpace(w.must("rev-parse", "HEAD"))
	if len(s.sources) != 1 || s.sources[0].Version != full || s.sources[0].Description != "change Procfile" {
		t.Errorf("sources: %+v", s.sources)
	}
	if s.sizes[s.apps["myapp"].ID] < 100 {
		t.Errorf("repository size was not told: %v", s.sizes)
	}
}

func TestAFailedBuildRejectsThePush(t *testing.T) {
	s := newSite(t)
	w := s.work("myapp")
	w.commit("package.json", "{}")
	s.build = func(out io.Writer) kigo.BuildStatus {
		fmt.Fprint(out, "\n !     Push rejected, failed to compile Node.js app.\n\n !     Push failed\n")
		return kigo.BuildFailed
	}
	out, err := w.run("push", "heroku", "main")
	if err == nil {
		t.Error("the push succeeded")
	}
	want := `remote:  !     Push rejected, failed to compile Node.js app.
remote:
remote:  !     Push failed
remote: Verifying deploy...
remote:
remote: !	Push rejected to myapp.
To ` + s.remote("myapp", "") + `
 ! [remote rejected] main -> main (pre-receive hook declined)
`
	if !strings.Contains(out, want) {
		t.Errorf("got %s", out)
	}
	if refs := w.must("ls-remote", "heroku"); refs != "" {
		t.Errorf("refs after a rejected push: %s", refs)
	}
}

func TestOtherBranchesAreStoredWithoutABuild(t *testing.T) {
	s := newSite(t)
	w := s.work("myapp")
	w.commit("a", "1")
	out := w.must("push", "heroku", "main:refs/heads/topic")
	if !strings.Contains(out, "remote: Pushed to non-main branch, skipping build.\n") {
		t.Error(out)
	}
	if refs := w.must("ls-remote", "heroku"); !strings.Contains(refs, "refs/heads/topic") {
		t.Errorf("refs: %s", refs)
	}
	if len(s.sources) != 0 {
		t.Errorf("builds: %v", s.sources)
	}
}

func TestDeletionIsRefused(t *testing.T) {
	s := newSite(t)
	w := s.work("myapp")
	w.commit("a", "1")
	w.must("push", "heroku", "main")
	out, err := w.run("push", "heroku", ":main")
	if err == nil || !strings.Contains(out, "Branches of an app cannot be deleted.") || !strings.Contains(out, "(deletion prohibited)") {
		t.Errorf("%v %s", err, out)
	}
	if len(s.sources) != 1 {
		t.Errorf("%d builds", len(s.sources))
	}
}

func TestOfSeveralRefsOnlyMainIsBuilt(t *testing.T) {
	s := newSite(t)
	w := s.work("myapp")
	w.commit("a", "1")
	w.must("branch", "topic")
	w.must("tag", "v1")
	w.commit("a", "2")
	out := w.must("push", "heroku", "main", "topic", "v1")
	if len(s.sources) != 1 || s.sources[0].Version != strings.TrimSpace(w.must("rev-parse", "main")) || strings.Contains(out, "skipping") {
		t.Errorf("%d builds:\n%s", len(s.sources), out)
	}
}

// slow has builds say "Slow" and wait until what it returns is closed.
func (s *site) slow() (release chan struct{}) {
	release = make(chan struct{})
	s.build = func(out io.Writer) kigo.BuildStatus {
		fmt.Fprintln(out, "-----> Slow")
		<-release
		fmt.Fprintln(out, "-----> Done")
		return kigo.BuildSucceeded
	}
	return release
}

func TestTheSecondOfTwoPushesIsToldToWait(t *testing.T) {
	s := newSite(t)
	w := s.work("myapp")
	w.commit("a", "1")
	release := s.slow()
	first := w.start("push", "heroku", "main")
	first.until(t, "Slow")
	second := s.work("myapp")
	second.commit("b", "2")
	out, err := second.run("push", "heroku", "main")
	if err == nil || !strings.Contains(out, "remote:  !     Another push to myapp is in progress. Wait for it to end, then push again.\n") {
		t.Errorf("%v\n%s", err, out)
	}
	elsewhere := s.work("other")
	elsewhere.commit("c", "3")
	go close(release)
	elsewhere.must("push", "heroku", "main")
	if err := first.wait(); err != nil {
		t.Fatal(err)
	}
	third, err := w.run("push", "heroku", "main")
	if err != nil || !strings.Contains(third, "Everything up-to-date") {
		t.Errorf("%v %s", err, third)
	}
}

func TestABuildOutlivesTheClient(t *testing.T) {
	s := newSite(t)
	w := s.work("myapp")
	w.commit("a", "1")
	release := s.slow()
	p := w.start("push", "heroku", "main")
	p.until(t, "Slow")
	if err := syscall.Kill(-p.cmd.Process.Pid, syscall.SIGINT); err != nil { // as Ctrl-C: all of git's processes
		t.Fatal(err)
	}
	_ = p.wait()
	close(release)
	eventually(t, func() bool { return strings.Contains(w.must("ls-remote", "heroku"), "refs/heads/main") })
}

func eventually(t testing.TB, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("it did not happen in time")
		}
	}
}

// Heroku refuses them; here a shallow clone deploys, and more can be pushed on top of
// it, from it and from a whole one.
func TestAShallowClonesPushIsTaken(t *testing.T) {
	s := newSite(t)
	w := s.work("myapp")
	w.commit("a", "1")
	w.commit("a", "2")
	w.commit("a", "3")
	shallow := &work{site: s, dir: filepath.Join(t.TempDir(), "clone")}
	w.must("clone", "-q", "--depth", "1", "file://"+w.dir, shallow.dir)
	shallow.must("push", s.remote("myapp", "x:"+goodToken+"@"), "main")
	shallow.commit("a", "4")
	shallow.must("push", s.remote("myapp", "x:"+goodToken+"@"), "main")
	w.must("pull", "-q", shallow.dir, "main")
	w.commit("a", "5")
	w.must("push", "heroku", "main")
	if len(s.sources) != 3 {
		t.Fatalf("%d builds", len(s.sources))
	}
	for i, want := range []string{"3", "4", "5"} {
		if got := readBlob(t, s, s.sources[i].Blob)["a"]; got != "0644 "+want {
			t.Errorf("build %d has %q, want %s", i, got, want)
		}
	}
	into := filepath.Join(t.TempDir(), "again")
	w.must("clone", "-q", s.remote("myapp", "x:"+goodToken+"@"), into)
	if b, err := os.ReadFile(filepath.Join(into, "a")); err != nil || string(b) != "5" {
		t.Errorf("a clone has %q, %v", b, err)
	}
}

func TestACloneGivesBackWhatWasPushed(t *testing.T) {
	s := newSite(t)
	w := s.work("myapp")
	w.commit("dir/a file", "content")
	w.must("push", "heroku", "main:master")
	into := filepath.Join(t.TempDir(), "clone")
	w.must("clone", "-q", s.remote("myapp", ":"+goodToken+"@"), into)
	if b, err := os.ReadFile(filepath.Join(into, "dir/a file")); err != nil || string(b) != "content" {
		t.Errorf("%q %v", b, err)
	}
}

func TestAnEmptyRepositoryCanBeCloned(t *testing.T) {
	s := newSite(t)
	out := s.work("myapp").must("clone", s.remote("myapp", goodToken+"@"), filepath.Join(t.TempDir(), "clone"))
	if !strings.Contains(out, "You appear to have cloned an empty repository") {
		t.Error(out)
	}
}

func TestStrangersAreRefused(t *testing.T) {
	s := newSite(t)
	w := s.work("myapp")
	w.commit("a", "1")
	for name, c := range map[string]struct{ url, want string }{
		"no token":      {s.remote("myapp", ""), "could not read Username"},
		"wrong token":   {s.remote("myapp", "x:bad@"), "Invalid credentials provided."},
		"unknown app":   {s.remote("nosuchapp", "x:"+goodToken+"@"), "No such app as nosuchapp."},
		"app in ruins":  {s.remote("leaving", "x:"+goodToken+"@"), "is being destroyed"},
		"path of dots":  {s.remote("..", "x:"+goodToken+"@"), "not found"},
		"nested folder": {s.remote("a/myapp", "x:"+goodToken+"@"), "not found"},
	} {
		t.Run(name, func(t *testing.T) {
			if out, err := w.run("push", c.url, "main"); err == nil || !strings.Contains(out, c.want) {
				t.Errorf("%v %s", err, out)
			}
		})
	}
}

func TestNothingIsLeftOfAKilledPush(t *testing.T) {
	s := newSite(t)
	w := s.work("myapp")
	w.commit("a", "1")
	w.must("push", "heroku", "main")
	repo := s.git.path(s.apps["myapp"].ID)
	for _, left := range []string{"objects/tmp_objdir-incoming-abc/pack/x", "objects/pack/tmp_pack_123", "objects/aa/tmp_obj_1", "refs/heads/main.lock", "packed-refs.lock"} {
		path := filepath.Join(repo, left)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.git.Sweep(); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(repo, func(path string, _ fs.DirEntry, err error) error {
		if name := filepath.Base(path); strings.HasPrefix(name, "tmp_") || strings.HasSuffix(name, ".lock") {
			t.Errorf("left: %s", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	w.commit("a", "2")
	w.must("push", "heroku", "main")
}

func TestDeleteEndsAPushAndRemovesTheRepository(t *testing.T) {
	s := newSite(t)
	w := s.work("myapp")
	w.commit("a", "1")
	release := make(chan struct{})
	defer close(release)
	s.build = func(out io.Writer) kigo.BuildStatus {
		fmt.Fprintln(out, "-----> Slow")
		<-release
		return kigo.BuildFailed
	}
	p := w.start("push", "heroku", "main")
	p.until(t, "Slow")
	if err := s.git.Delete(s.apps["myapp"].ID); err != nil {
		t.Fatal(err)
	}
	if p.wait() == nil {
		t.Error("the push succeeded")
	}
	if text := p.all.String(); !strings.Contains(text, "This app has been destroyed.") {
		t.Errorf("the person who pushes is told:\n%s", text)
	}
	if left, err := os.ReadDir(s.git.Dir); err != nil || len(left) != 0 {
		t.Errorf("left: %v %v", left, err)
	}
}
