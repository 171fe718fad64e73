package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/internal/testenv"
)

// patchApps is how many apps a patch moves: a few, or as many as KIGO_PATCH_APPS
// says, for the report.
func patchApps(t *testing.T) int {
	n, err := strconv.Atoi(os.Getenv("KIGO_PATCH_APPS"))
	if err != nil {
		n = 4
	}
	t.Logf("%d apps", n)
	return n
}

// A new image of the stack reaches every app without a build and without a lost
// request; the one app that needs what the new image lacks stays on the old one.
func TestAPatchMovesEveryAppWithoutABuildOrALostRequest(t *testing.T) {
	testenv.NeedsRoot(t)
	s := startServer(t, setup{})
	k := newOperator(t, s)
	n := patchApps(t)
	source := t.TempDir()
	must(t, os.Mkdir(filepath.Join(source, "bin"), 0o755))
	program, err := os.ReadFile(s.testapp)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(source, "bin", "testapp"), program, 0o755))
	must(t, os.WriteFile(filepath.Join(source, "Procfile"), []byte(
		"web: if [ -n \"$PICKY\" ]; then cat /etc/debian_version || exit 1; fi; exec bin/testapp web\nrelease: echo released >> /tmp/x\n"), 0o644))
	names := make([]string, n)
	var wg sync.WaitGroup
	slots := make(chan struct{}, 4)
	for i := range names {
		names[i] = fmt.Sprintf("patched-%d", i)
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			k.run("apps:create", names[i], "--no-remote")
			if i == n/2 {
				k.run("config:set", "PICKY=1", "-a", names[i])
			}
			k.run("deploy", source, "-a", names[i])
			k.run("ps:wait", "-a", names[i])
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	picky := names[n/2]
	before := k.patches()
	if before.Apps != n || before.On != n {
		t.Fatalf("before: %+v", before)
	}
	ctx, cancel := context.WithCancel(t.Context())
	l := &loader{stop: cancel}
	for _, name := range names {
		l.wait.Go(func() { l.run(ctx, "http://"+name+".localhost:"+s.httpPort+"/quiet") })
	}
	begun := time.Now()
	k.run("stack", "install", newImage(t, s), "--data", s.data)
	k.run("stacks:patch")
	var after client.StackPatch
	for end := time.Now().Add(10 * time.Minute); ; {
		if after = k.patches(); after.On+len(after.Returned) == n {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the patch does not end: %+v\n%s", after, k.run("releases", "-a", names[0]))
		}
		time.Sleep(100 * time.Millisecond)
	}
	took := time.Since(begun)
	cancel()
	l.wait.Wait()
	if why := l.firstLoss.Load(); why != nil {
		t.Errorf("%d of %d requests were lost, the first: %s", l.lost.Load(), l.sent.Load(), *why)
	}
	if len(after.Returned) != 1 || after.Returned[0].Name != picky || after.Digest == before.Digest {
		t.Errorf("after: %+v", after)
	}
	builds := 0
	for _, name := range names {
		builds += strings.Count(k.run("builds", "-a", name), "succeeded")
		file := "/etc/debian_versioX"
		if name == picky {
			file = "/etc/debian_version"
		}
		if releases := k.run("releases", "-a", name); strings.Count(releases, "Patch heroku-22 to ") != 1 {
			t.Errorf("%s:\n%s", name, releases)
		}
		if name == names[0] || name == picky {
			k.run("run", "-x", "--no-tty", "-a", name, "--", "ls", file)
		}
	}
	if builds != n {
		t.Errorf("%d builds for %d apps", builds, n)
	}
	t.Logf("patch of %d apps: %.1f s, %d rebuilds, %d requests, %d lost, %d returned to the image before",
		n, took.Seconds(), builds-n, l.sent.Load(), l.lost.Load(), len(after.Returned))
}

// newImage is the server's run image with one file of another name: names have
// the same length, so that nothing else moves.
func newImage(t *testing.T, s *server) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(s.data, "stacks", "heroku-22-run.erofs"))
	must(t, err)
	if !bytes.Contains(b, []byte("debian_version")) {
		t.Fatal("the image has no debian_version")
	}
	file := filepath.Join(t.TempDir(), "new.erofs")
	must(t, os.WriteFile(file, bytes.ReplaceAll(b, []byte("debian_version"), []byte("debian_versioX")), 0o644))
	return file
}

// operatorCLI runs the command line as the server's operator.
type operatorCLI struct {
	t   *testing.T
	s   *server
	env []string
}

func newOperator(t *testing.T, s *server) *operatorCLI {
	return &operatorCLI{t: t, s: s, env: append(os.Environ(), append(s.variables, "HOME="+t.TempDir(), "PATH="+s.path)...)}
}

func (k *operatorCLI) run(args ...string) string {
	k.t.Helper()
	cmd := exec.CommandContext(k.t.Context(), filepath.Join(k.s.root, "bin", "kigo"), args...)
	cmd.Env = k.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		k.t.Errorf("kigo %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func (k *operatorCLI) patches() client.StackPatch {
	k.t.Helper()
	var all []client.StackPatch
	out := k.run("stacks:status", "--json")
	if err := json.Unmarshal([]byte(out), &all); err != nil || len(all) != 1 {
		k.t.Fatalf("%v: %s", err, out)
	}
	return all[0]
}

// must ends a test that cannot go on.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
