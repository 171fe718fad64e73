package oci_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/dyno/enginetest"
	"github.com/kigo-dev/kigo/internal/testenv"
	"github.com/kigo-dev/kigo/oci"
)

// rig is an engine with helpers, for tests that look at it from the host.
type rig struct {
	testing.TB
	engine *oci.Engine
	config oci.Config
	images enginetest.Images
	made   int
}

func newRig(t testing.TB) *rig {
	t.Helper()
	return newRigWith(t, func(*oci.Config) {})
}

func newRigWith(t testing.TB, change func(*oci.Config)) *rig {
	t.Helper()
	testenv.NeedsRoot(t)
	images := enginetest.NewImages(t)
	config := testConfig(t, images)
	change(&config)
	r := &rig{TB: t, engine: open(t, config), config: config, images: images}
	t.Cleanup(func() {
		r.engine.Close()
		if err := r.engine.Uninstall(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return r
}

func (r *rig) launch(command ...string) kigo.Launch {
	r.made++
	return kigo.Launch{
		ID: kigo.DynoID(fmt.Sprintf("%s-%d", r.config.Instance, r.made)), UIDBase: kigo.UIDFirst + 4000*kigo.UIDRange,
		Stack: r.images.Stack, Command: command, Env: []string{"PATH=/bin", "PORT=5000"},
		Memory: 64 << 20, Pids: 64, Grace: 10 * time.Second,
	}
}

func (r *rig) start(l kigo.Launch) {
	r.Helper()
	if err := r.engine.Start(context.Background(), l); err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { r.end(l.ID) })
}

// end ends a launch whatever its state is.
func (r *rig) end(id kigo.DynoID) {
	_ = r.engine.Kill(context.Background(), id)
	if _, err := r.engine.Status(context.Background(), id); err == nil {
		r.await(id, kigo.RunExited)
		_ = r.engine.Remove(context.Background(), id)
	}
}

func (r *rig) await(id kigo.DynoID, state kigo.RunState) kigo.RunStatus {
	r.Helper()
	deadline := time.Now().Add(enginetest.Deadline)
	for {
		s, err := r.engine.Status(context.Background(), id)
		if err != nil {
			r.Fatal(err)
		}
		if s.State == state {
			return s
		}
		if time.Now().After(deadline) {
			r.Fatalf("waited for %s: %+v", state, s)
		}
		<-time.After(2 * time.Millisecond)
	}
}

func (r *rig) awaitLine(id kigo.DynoID, text string) {
	r.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), enginetest.Deadline)
	defer cancel()
	found := false
	_ = r.engine.Logs(ctx, id, 0, func(l kigo.OutputLine) {
		if l.Text == text {
			found = true
			cancel()
		}
	})
	if !found {
		r.Fatalf("no line %q came", text)
	}
}

func (r *rig) output(command ...string) string {
	r.Helper()
	return r.outputOf(r.launch(command...))
}

// outputOf runs a launch to its end.
func (r *rig) outputOf(l kigo.Launch) string {
	r.Helper()
	r.start(l)
	ctx, cancel := context.WithTimeout(context.Background(), enginetest.Deadline)
	defer cancel()
	var lines []string
	if err := r.engine.Logs(ctx, l.ID, 0, func(l kigo.OutputLine) { lines = append(lines, l.Text) }); err != nil {
		r.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// eventually polls until f is true.
func eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(enginetest.Deadline); !f(); <-time.After(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited until %s", what)
		}
	}
}

// lineReader reads the lines of a connection one by one.
func lineReader(t testing.TB, r io.Reader) func() string {
	lines := bufio.NewReader(r)
	return func() string {
		t.Helper()
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(line)
	}
}
