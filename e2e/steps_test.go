package e2e

import (
	"cmp"
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/internal/killpoint"
	"github.com/kigo-dev/kigo/internal/testenv"
)

// TestAKillAtEveryStepLosesNoAppAndLeavesNothing kills the control process or a shim at
// each step that the source names, by deploying, starting, stopping and crashing.
// Afterwards the app runs the old or the new release, never neither, and nothing is left over.
func TestAKillAtEveryStepLosesNoAppAndLeavesNothing(t *testing.T) {
	testenv.NeedsRoot(t)
	steps := steps(t)
	if len(steps) < 40 {
		t.Fatalf("the source names %d steps: %q", len(steps), steps)
	}
	for shard := range shards { // a process that dies often is started again more slowly
		t.Run(strconv.Itoa(shard), func(t *testing.T) {
			t.Parallel()
			v := newVictim(t)
			for i := shard; i < len(steps); i += shards {
				if !t.Run(steps[i], func(t *testing.T) { v.survive(t, steps[i]) }) {
					return // what follows would begin with what this one left
				}
			}
		})
	}
}

// shards is on how many servers the steps are shared out.
const shards = 3

func newVictim(t *testing.T) *victim {
	v := &victim{file: filepath.Join(t.TempDir(), "at"), app: "steps", phased: "phased"}
	v.server = startServer(t, setup{env: []string{killpoint.Variable + "=" + v.file}, args: []string{"--probation", "1h"}})
	v.deploy(t, v.app, map[string]string{"web": "bin/testapp web", "worker": "bin/testapp worker"}, map[string]string{"GREETING": "0"})
	v.deploy(t, v.phased, map[string]string{"web": "bin/testapp web", "release": "true"}, map[string]string{"GREETING": "0"})
	one := 1
	if _, err := v.client(t).Scale(t.Context(), v.app, []client.FormationChange{{Type: "worker", Quantity: &one}}); err != nil {
		t.Fatal(err)
	}
	v.settle(t)
	return v
}

// steps are all that are named in calls of killpoint.At.
func steps(t *testing.T) (all []string) {
	t.Helper()
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == ".cache" || entry.Name() == ".git") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if name, ok := stepOf(n); ok {
				all = append(all, name)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	if once := slices.Compact(slices.Clone(all)); len(once) != len(all) {
		t.Fatalf("steps are named twice: %q", all)
	}
	return all
}

func stepOf(n ast.Node) (string, bool) {
	call, ok := n.(*ast.CallExpr)
	if !ok || len(call.Args) != 1 {
		return "", false
	}
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || f.Sel.Name != "At" {
		return "", false
	}
	if pkg, ok := f.X.(*ast.Ident); !ok || pkg.Name != "killpoint" {
		return "", false
	}
	text, ok := call.Args[0].(*ast.BasicLit)
	if !ok {
		return "", false
	}
	name, err := strconv.Unquote(text.Value)
	return name, err == nil
}

// victim is a server whose processes die at steps, with two apps: one has a
// release phase.
type victim struct {
	*server
	file        string // names the step
	app, phased string
	round       int
}

func (v *victim) settle(t *testing.T) {
	t.Helper()
	v.steady(t, v.app, "web.1", "worker.1")
	v.steady(t, v.phased, "web.1")
}

// survive kills at one step while something happens that leads by it.
func (v *victim) survive(t *testing.T, step string) {
	crash := strings.HasPrefix(step, "crash-")
	if crash { // new dynos, which have not crashed yet
		if err := v.client(t).RestartDynos(t.Context(), v.app); err != nil {
			t.Fatal(err)
		}
	}
	v.settle(t)
	app, change := v.app, map[string]*string{}
	if strings.HasPrefix(step, "phase-") {
		app = v.phased
	}
	old, err := v.visit(visitor(), app, "/")
	if err != nil {
		t.Fatal(err)
	}
	v.round++
	next := strconv.Itoa(v.round)
	change["GREETING"] = &next
	if strings.HasPrefix(step, "reject-") {
		change["BROKEN"] = &next
	}
	lost := v.watch(t, app)
	v.arm(t, step)
	accepted := true
	if crash {
		_, _ = v.visit(visitor(), app, "/exit")
	} else if _, err := v.client(t).SetConfigVars(t.Context(), app, change); err != nil {
		accepted = false // its answer went with the process: it may have been made or not
	}
	eventually(t, "a process to die at "+step, func() error {
		if _, err := os.Stat(v.file); !errors.Is(err, os.ErrNotExist) {
			return errors.New("nobody has come by")
		}
		return nil
	})
	v.settle(t)
	v.clean(t, v.app, v.phased)
	now, err := v.visit(visitor(), app, "/")
	if err != nil {
		t.Fatalf("it does not answer: %v", err)
	}
	fresh := strings.Contains(now, "greeting="+next+" ")
	switch {
	case !fresh && now != old:
		t.Errorf("it answers %q: neither the old release %q nor the new one", now, old)
	case change["BROKEN"] != nil && fresh:
		t.Errorf("it answers %q: by a release that cannot start", now)
	case change["BROKEN"] == nil && accepted && !fresh && !crash:
		t.Errorf("it answers %q, although the change to %s was accepted", now, next)
	}
	if n, first := lost(); n > 0 && !crash && !strings.HasPrefix(step, "shim-") {
		t.Errorf("%d requests were lost, the first: %v", n, first)
	}
	if change["BROKEN"] != nil {
		v.repair(t, app)
	}
}

// repair takes the config var back that keeps the app from starting.
func (v *victim) repair(t *testing.T, app string) {
	t.Helper()
	if _, err := v.client(t).SetConfigVars(t.Context(), app, map[string]*string{"BROKEN": nil}); err != nil {
		t.Fatal(err)
	}
}

// arm names the step, in one move.
func (v *victim) arm(t *testing.T, step string) {
	t.Helper()
	if err := os.WriteFile(v.file+".new", []byte(step), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(v.file+".new", v.file); err != nil {
		t.Fatal(err)
	}
}

// watch asks the app all the time, and returns how to end that and learn how many
// requests were lost.
func (v *victim) watch(t *testing.T, app string) (lost func() (int, error)) {
	ctx, cancel := context.WithCancel(t.Context())
	var n int
	var first error
	done := make(chan struct{})
	go func() {
		defer close(done)
		for c := visitor(); ctx.Err() == nil; breathe(ctx) {
			if _, err := v.visit(c, app, "/quiet"); err != nil {
				n++
				first = cmp.Or(first, err)
			}
		}
	}()
	stop := func() (int, error) {
		cancel()
		<-done
		return n, first
	}
	t.Cleanup(func() { _, _ = stop() })
	return stop
}

// breathe keeps one client from taking a processor for itself.
func breathe(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(5 * time.Millisecond):
	}
}
