package build_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/blob"
	"github.com/kigo-dev/kigo/build"
	"github.com/kigo-dev/kigo/internal/testenv"
	"github.com/kigo-dev/kigo/oci"
	"github.com/kigo-dev/kigo/output"
	"github.com/kigo-dev/kigo/slug"
	"github.com/kigo-dev/kigo/stack"
	"github.com/kigo-dev/kigo/store"
	"github.com/kigo-dev/kigo/store/storetest"
)

// The test's own binary packs slugs, as kigo does in production.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == slug.Verb {
		for packsForever() {
			time.Sleep(time.Hour)
		}
		os.Exit(slug.PackMain(os.Args[2:]))
	}
	os.Exit(m.Run())
}

// platform is a real build loop on a real engine, store and disk; only control
// is the test's own.
type platform struct {
	testing.TB
	dir    string
	config build.Config
	engine *oci.Engine
	store  *store.Store
	app    kigo.App
	mute   atomic.Bool // control is dead too

	mu    sync.Mutex
	slugs map[kigo.BuildID]kigo.Slug
	ends  map[kigo.BuildID]string
}

func newPlatform(t testing.TB) *platform {
	t.Helper()
	testenv.NeedsRoot(t)
	runc, err := filepath.Abs(testenv.NeedsProgram(t, "../bin/runc"))
	if err != nil {
		t.Fatal(err)
	}
	p := &platform{TB: t, dir: t.TempDir(), slugs: map[kigo.BuildID]kigo.Slug{}, ends: map[kigo.BuildID]string{}}
	for d := p.dir; d != "/"; d = filepath.Dir(d) { // the sandbox's root must get through, as in the data folder
		if err := os.Chmod(d, 0o711|stat(t, d).Mode().Perm()|stat(t, d).Mode()&os.ModeSticky); err != nil {
			t.Fatal(err)
		}
	}
	root := smallStack(t)
	place := testenv.NewPlace(t)
	p.engine, err = oci.New(context.Background(), oci.Config{
		Dir: p.dir, Instance: place.Instance, Subnet: place.Subnet, Runtime: runc,
		Images: func(digest string) (string, error) {
			if file, err := p.stacks().Path(digest); err == nil {
				return file, nil
			}
			return root.file, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.endLaunches()
		p.engine.Close()
		if err := p.engine.Uninstall(context.Background()); err != nil {
			t.Error(err)
		}
	})
	p.store = storetest.OpenSQLite(t)
	p.app = p.newApp("sample")
	p.config = build.Config{
		Dir: p.dir, Store: p.store, Control: p, Engine: p.engine,
		Slugs: &slug.Store{Dir: filepath.Join(p.dir, "slugs")}, Blobs: &blob.Store{Dir: filepath.Join(p.dir, "blobs")},
		Output: &output.Store{Dir: filepath.Join(p.dir, "output")}, EmptyDisk: p.engine.EmptyDisk,
		Stack: func(string) (kigo.Image, error) { return root.image, nil },
		URL:   func(a kigo.App) string { return "http://" + a.Name + ".localhost/" },
		Log:   slog.New(slog.NewTextHandler(t.Output(), nil)),
		Host:  &build.Environment{Vars: []string{"GOPROXY=off"}}, // tests ask nobody outside
	}
	return p
}

// stacks are those that a test made itself.
func (p *platform) stacks() *stack.Store { return &stack.Store{Dir: filepath.Join(p.dir, "stacks")} }

// endLaunches ends what a loop leaves running for its successor: it compiles the
// standard library after builds.
func (p *platform) endLaunches() {
	runs, err := p.engine.List(context.Background())
	if err != nil {
		p.Error(err)
	}
	for _, r := range runs {
		_ = p.engine.Kill(context.Background(), r.ID)
		for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
			if s, err := p.engine.Status(context.Background(), r.ID); err != nil || s.State == kigo.RunExited || s.State == kigo.RunLost {
				break
			}
		}
		_ = p.engine.Remove(context.Background(), r.ID)
	}
}

func stat(t testing.TB, name string) os.FileInfo {
	t.Helper()
	st, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func (p *platform) newApp(name string) kigo.App {
	p.Helper()
	app := kigo.App{ID: kigo.AppID(uuid.NewString()), Name: name, Stack: "heroku-22", BuildStack: "heroku-22", Region: "eu"}
	err := p.store.Update(context.Background(), func(tx *store.Tx) (err error) {
		owner := kigo.Account{ID: kigo.AccountID(uuid.NewString()), Email: name + "@example.com"}
		if err := tx.CreateAccount(&owner); err != nil {
			return err
		}
		app.Owner = owner.ID
		if app.UIDBase, err = tx.NextUIDBase(); err != nil {
			return err
		}
		return tx.CreateApp(&app)
	})
	if err != nil {
		p.Fatal(err)
	}
	return app
}

// start runs the loop until the test ends or stop is called.
func (p *platform) start() (loop *build.Loop, stop func()) {
	p.Helper()
	loop, err := build.New(p.config)
	if err != nil {
		p.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); loop.Run(ctx) }()
	stop = func() { cancel(); <-done }
	p.Cleanup(stop)
	return loop, stop
}

// push makes a build of files, given as name → content; a name with a * at its
// end is executable.
func (p *platform) push(files map[string]string, buildpacks ...string) kigo.BuildID {
	p.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, text := range files {
		mode := int64(0o644)
		if n, ok := strings.CutSuffix(name, "*"); ok {
			name, mode = n, 0o755
		}
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: int64(len(text))}); err != nil {
			p.Fatal(err)
		}
		io.WriteString(w, text)
	}
	w.Close()
	key, _, err := p.config.Blobs.Put(context.Background(), &b)
	if err != nil {
		p.Fatal(err)
	}
	id := kigo.BuildID(uuid.NewString())
	err = p.store.Update(context.Background(), func(tx *store.Tx) error {
		return tx.CreateBuild(&kigo.Build{
			ID: id, App: p.app.ID, User: p.app.Owner, Status: kigo.BuildPending, Stack: p.app.BuildStack, Output: string(id),
			Buildpacks: buildpacks, Source: kigo.Source{Blob: key, Version: "1f0c2b7"}, CreatedAt: time.Now(),
		})
	})
	if err != nil {
		p.Fatal(err)
	}
	return id
}

// read returns a build's whole output, waiting for its end.
func (p *platform) read(id kigo.BuildID) string {
	p.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	for !p.config.Output.Exists(string(id)) {
		wait(ctx, p)
	}
	r, err := p.config.Output.Open(ctx, string(id))
	if err != nil {
		p.Fatal(err)
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		p.Fatalf("%v after:\n%s", err, text)
	}
	return string(text)
}

func wait(ctx context.Context, t testing.TB) {
	t.Helper()
	select {
	case <-ctx.Done():
		t.Fatal("it took too long")
	case <-time.After(5 * time.Millisecond):
	}
}

// eventually polls until ok.
func (p *platform) eventually(what string, ok func() bool) {
	p.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	for !ok() {
		select {
		case <-ctx.Done():
			p.Fatalf("never: %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// CompleteBuildWith is the test's control.
func (p *platform) CompleteBuildWith(ctx context.Context, id kigo.BuildID, made kigo.Made) (kigo.Release, error) {
	s := made.Slug
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slugs[id], p.ends[id] = s, "succeeded"
	return kigo.Release{Version: len(p.slugs) + 2}, p.setStatus(ctx, id, kigo.BuildSucceeded)
}

// FailBuild is the test's control.
func (p *platform) FailBuild(ctx context.Context, id kigo.BuildID, why string) error {
	if p.mute.Load() {
		return errors.New("control is dead")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ends[id] = why
	return p.setStatus(ctx, id, kigo.BuildFailed)
}

func (p *platform) setStatus(ctx context.Context, id kigo.BuildID, s kigo.BuildStatus) error {
	return p.store.Update(ctx, func(tx *store.Tx) error {
		b, err := tx.Build(id)
		if err != nil {
			return err
		}
		b.Status = s
		return tx.UpdateBuild(&b)
	})
}

func (p *platform) end(id kigo.BuildID) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ends[id]
}

// useHostGo gives builds the Go that runs this test, so that they fetch nothing.
func (p *platform) useHostGo() (version string) {
	p.Helper()
	version = strings.TrimPrefix(strings.Fields(runtime.Version())[0], "go")
	dir := filepath.Join(p.dir, "toolchains", "go-"+version)
	if err := os.MkdirAll(filepath.Dir(dir), 0o711); err != nil {
		p.Fatal(err)
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		p.Fatal(err)
	}
	if out, err := exec.Command("cp", "--archive", "--reflink=auto", strings.TrimSpace(string(root)), dir).CombinedOutput(); err != nil {
		p.Fatalf("%v: %s", err, out)
	}
	return version
}

// leftovers lists what a finished build must not leave: folders, mounts, launches.
func (p *platform) leftovers() (left []string) {
	entries, _ := os.ReadDir(filepath.Join(p.dir, "builds"))
	for _, e := range entries {
		left = append(left, "folder "+e.Name())
	}
	mounts, _ := os.ReadFile("/proc/self/mounts")
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, filepath.Join(p.dir, "builds")) || strings.Contains(line, filepath.Join(p.dir, "cache")) {
			left = append(left, "mount "+line)
		}
	}
	list, _ := p.engine.List(context.Background())
	for _, st := range list {
		left = append(left, fmt.Sprint("launch ", st.ID))
	}
	return left
}

// noise is text that cannot be compressed well.
func noise(n int) string {
	r := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return string(b)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
