package git

import (
	"bufio"
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/blob"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/git/hook"
	"github.com/kigo-dev/kigo/output"
)

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == hook.Name {
		os.Exit(hook.Main())
	}
	os.Exit(m.Run())
}

const goodToken = "HRKU-good"

// site is a git server over TLS with a platform that builds what the test tells.
type site struct {
	*httptest.Server
	t    testing.TB
	git  *Server
	dir  string
	ca   string
	apps map[string]kigo.App

	build func(out io.Writer) kigo.BuildStatus // what a build does
	phase func(out io.Writer) kigo.ReleaseStatus

	refuse error // what Build answers instead

	mu      sync.Mutex
	builds  map[kigo.BuildID]*fakeBuild
	sources []kigo.Source
	sizes   map[kigo.AppID]int64
}

type fakeBuild struct {
	build   kigo.Build
	release kigo.Release
	built   chan struct{}
	ended   chan struct{}
}

func newSite(t testing.TB) *site {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o711); err != nil { // the apps' uids come through here
		t.Fatal(err)
	}
	s := &site{t: t, dir: dir, builds: map[kigo.BuildID]*fakeBuild{}, sizes: map[kigo.AppID]int64{}}
	s.apps = map[string]kigo.App{
		"myapp":   {ID: "11111111-1111-1111-1111-111111111111", Name: "myapp", UIDBase: kigo.UIDFirst},
		"other":   {ID: "22222222-2222-2222-2222-222222222222", Name: "other", UIDBase: kigo.UIDFirst + kigo.UIDRange},
		"leaving": {ID: "33333333-3333-3333-3333-333333333333", Name: "leaving", UIDBase: kigo.UIDFirst + 2*kigo.UIDRange, Destroying: true},
	}
	s.build = func(out io.Writer) kigo.BuildStatus {
		fmt.Fprintln(out, "-----> Launching...")
		return kigo.BuildSucceeded
	}
	var err error
	s.git, err = New(Config{
		Dir: filepath.Join(dir, "repos"), Hooks: filepath.Join(dir, "hooks"),
		Blobs: &blob.Store{Dir: filepath.Join(dir, "blobs")}, Output: &output.Store{Dir: filepath.Join(dir, "output")},
		Platform: Platform{Authorize: s.authorize, Build: s.startBuild, WaitBuild: s.waitBuild, Release: s.release, WaitRelease: s.waitRelease,
			RepoSize: func(_ context.Context, app kigo.AppID, n int64) { s.mu.Lock(); s.sizes[app] = n; s.mu.Unlock() }},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Server = httptest.NewTLSServer(s.git)
	t.Cleanup(func() { s.git.Close(); s.Close() })
	s.ca = filepath.Join(dir, "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(s.ca, block, 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *site) authorize(_ context.Context, token, name string, _ bool) (kigo.App, control.Actor, error) {
	if token != goodToken {
		return kigo.App{}, control.Actor{}, &kigo.Error{ID: kigo.IDUnauthorized, Message: "Invalid credentials provided."}
	}
	app, ok := s.apps[name]
	if !ok {
		return kigo.App{}, control.Actor{}, kigo.NotFound("app")
	}
	return app, control.Actor{ID: "me", Email: "me@example.com"}, nil
}

func (s *site) startBuild(_ context.Context, by control.Actor, app kigo.App, source kigo.Source) (kigo.Build, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		return kigo.Build{}, s.refuse
	}
	n := len(s.builds) + 1
	b := &fakeBuild{built: make(chan struct{}), ended: make(chan struct{})}
	b.build = kigo.Build{ID: kigo.BuildID(fmt.Sprint("build-", n)), App: app.ID, UserEmail: by.Email, Status: kigo.BuildPending, Output: fmt.Sprint("out-", n), Source: source}
	b.release = kigo.Release{ID: kigo.ReleaseID(fmt.Sprint("release-", n)), Status: kigo.ReleasePending}
	s.builds[b.build.ID] = b
	s.sources = append(s.sources, source)
	go s.runBuild(b, s.build, s.phase)
	return b.build, nil
}

func (s *site) runBuild(b *fakeBuild, build func(io.Writer) kigo.BuildStatus, phase func(io.Writer) kigo.ReleaseStatus) {
	defer close(b.ended)
	out, err := s.git.Output.Create(b.build.Output)
	if err != nil {
		panic(err)
	}
	status := build(out)
	out.Close()
	s.mu.Lock()
	b.build.Status = status
	b.build.Release = b.release.ID
	if phase != nil {
		b.release.Output = "release-" + b.build.Output
	} else {
		b.release.Status = kigo.ReleaseSucceeded
	}
	s.mu.Unlock()
	close(b.built)
	if phase == nil {
		return
	}
	if out, err = s.git.Output.Create(b.release.Output); err != nil {
		panic(err)
	}
	done := phase(out)
	out.Close()
	s.mu.Lock()
	b.release.Status = done
	s.mu.Unlock()
}

func (s *site) waitBuild(ctx context.Context, id kigo.BuildID) (kigo.Build, error) {
	s.mu.Lock()
	b := s.builds[id]
	s.mu.Unlock()
	select {
	case <-b.built:
	case <-ctx.Done():
		return kigo.Build{}, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return b.build, nil
}

func (s *site) find(id kigo.ReleaseID) *fakeBuild {
	for _, b := range s.builds {
		if b.release.ID == id {
			return b
		}
	}
	return nil
}

func (s *site) release(_ context.Context, id kigo.ReleaseID) (kigo.Release, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.find(id).release, nil
}

func (s *site) waitRelease(ctx context.Context, id kigo.ReleaseID) (kigo.Release, error) {
	s.mu.Lock()
	b := s.find(id)
	s.mu.Unlock()
	select {
	case <-b.ended:
	case <-ctx.Done():
		return kigo.Release{}, ctx.Err()
	}
	return s.release(ctx, id)
}

// work is a working copy with the site's app as remote.
type work struct {
	*site
	dir string
}

func (s *site) work(app string) *work {
	s.t.Helper()
	w := &work{site: s, dir: s.t.TempDir()}
	w.must("init", "-q", "-b", "main")
	w.must("remote", "add", "heroku", s.remote(app, "x:"+goodToken+"@"))
	return w
}

func (s *site) remote(app, userinfo string) string {
	return strings.Replace(s.URL, "https://", "https://"+userinfo, 1) + "/" + app + ".git"
}

func (w *work) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = w.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + w.dir, "GIT_SSL_CAINFO=" + w.ca, "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=me", "GIT_AUTHOR_EMAIL=me@example.com", "GIT_COMMITTER_NAME=me", "GIT_COMMITTER_EMAIL=me@example.com",
		"GIT_AUTHOR_DATE=2026-11-22T00:00:00Z", "GIT_COMMITTER_DATE=2026-11-22T00:00:00Z", "GIT_CONFIG_NOSYSTEM=1"}
	return cmd
}

// run runs git and returns what it printed; trailing spaces and the escape codes
// by which git clears lines are removed.
func (w *work) run(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Minute)
	defer cancel()
	out, err := w.command(ctx, args...).CombinedOutput()
	return tidy(string(out)), err
}

func tidy(text string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.ReplaceAll(text, "\x1b[K", "")) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return b.String()
}

func (w *work) must(args ...string) string {
	w.t.Helper()
	out, err := w.run(args...)
	if err != nil {
		w.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (w *work) write(name, content string) {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// commit commits a change and returns its short id.
func (w *work) commit(name, content string) string {
	w.t.Helper()
	w.write(name, content)
	w.must("add", "-A")
	w.must("commit", "-q", "-m", "change "+name)
	return strings.TrimSpace(w.must("rev-parse", "HEAD"))[:7]
}

func owner(t testing.TB, path string) uint32 {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Uid
}

// pushing is a push that is watched line by line.
type pushing struct {
	cmd   *exec.Cmd
	lines chan string
	all   bytes.Buffer
	err   chan error
}

func (w *work) start(args ...string) *pushing {
	w.t.Helper()
	p := &pushing{cmd: w.command(context.Background(), args...), lines: make(chan string, 1000), err: make(chan error, 1)}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	go func() {
		in := bufio.NewScanner(stderr)
		for in.Scan() {
			fmt.Fprintln(&p.all, in.Text())
			p.lines <- tidy(in.Text())
		}
		close(p.lines)
		p.err <- p.cmd.Wait()
	}()
	return p
}

// until waits for a line that holds text.
func (p *pushing) until(t testing.TB, text string) {
	t.Helper()
	late := time.After(time.Minute)
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				t.Fatalf("push ended without %q:\n%s", text, p.all.String())
			}
			if strings.Contains(line, text) {
				return
			}
		case <-late:
			t.Fatalf("no line with %q", text)
		}
	}
}

func (p *pushing) wait() error {
	for range p.lines {
	}
	return <-p.err
}
