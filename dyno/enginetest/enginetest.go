// Package enginetest is the contract of dyno.Engine as a test suite. An engine
// passes it by calling Run with a function that makes one. Start reading at Run.
package enginetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/dyno"
)

// Subject is an engine under test.
type Subject struct {
	Engine dyno.Engine
	// Restart stops the engine as a crash would and returns a new one on the same data.
	Restart func() dyno.Engine
	// KillShim kills the keeper of a launch, and nothing else.
	KillShim func(kigo.DynoID)
	// BindSource makes a folder with a file "file" ("bound\n") of an owner, for Launch.Binds.
	BindSource func(name string, owner int) string
}

// Deadline is how long the suite waits for what should happen at once, on a machine that
// has much else to do.
const Deadline = 2 * time.Minute

// suite is one engine with helpers.
type suite struct {
	testing.TB
	Subject
	images Images
	mu     sync.Mutex
	made   int
}

// Run runs the suite; each test gets an engine of its own from open.
func Run(t *testing.T, open func(*testing.T, Images) Subject) {
	images := NewImages(t)
	for _, test := range tests {
		t.Run(strings.ReplaceAll(test.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			test.run(&suite{TB: t, Subject: open(t, images), images: images})
		})
	}
}

type test struct {
	name string
	run  func(*suite)
}

var uidMu sync.Mutex
var uidNext = kigo.UIDFirst + 5000*kigo.UIDRange

// launch is a plain launch of a command.
func (s *suite) launch(command ...string) kigo.Launch {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made++
	return kigo.Launch{
		ID: kigo.DynoID(fmt.Sprintf("%08x-%d", time.Now().UnixNano()&0xffffffff, s.made)), App: "app", Name: "web.1",
		UIDBase: s.uidBase(), Stack: s.images.Stack, Command: command,
		Env:    []string{"PATH=/bin", "HOME=/app", "DYNO=web.1", "PORT=5000"},
		Memory: 64 << 20, CPU: kigo.CPU{Shares: 1024}, Pids: 64, Grace: 10 * time.Second,
	}
}

func (s *suite) uidBase() uint32 {
	uidMu.Lock()
	defer uidMu.Unlock()
	uidNext += kigo.UIDRange
	return uidNext
}

// start starts a launch and removes it at the end of the test.
func (s *suite) start(l kigo.Launch) kigo.DynoID {
	s.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Deadline)
	defer cancel()
	if err := s.Engine.Start(ctx, l); err != nil {
		s.Fatalf("start %q: %v", l.Command, err)
	}
	s.Cleanup(func() { s.remove(l.ID) })
	return l.ID
}

// remove ends a launch whatever its state is.
func (s *suite) remove(id kigo.DynoID) {
	ctx := context.Background()
	if err := s.Engine.Kill(ctx, id); errors.Is(err, kigo.ErrNotFound) {
		return
	}
	s.await(id, "its end", over)
	if err := s.Engine.Remove(ctx, id); err != nil {
		s.Errorf("remove %s: %v", id, err)
	}
}

func over(s kigo.RunStatus) bool  { return s.State == kigo.RunExited || s.State == kigo.RunLost }
func ready(s kigo.RunStatus) bool { return s.State == kigo.RunReady }

// await polls a launch's status until it is as wanted.
func (s *suite) await(id kigo.DynoID, what string, wanted func(kigo.RunStatus) bool) kigo.RunStatus {
	s.Helper()
	var last kigo.RunStatus
	s.eventually("waited for "+what, func() bool {
		var err error
		if last, err = s.Engine.Status(context.Background(), id); err != nil {
			s.Fatalf("status of %s: %v", id, err)
		}
		return wanted(last)
	}, func() string { return fmt.Sprintf("%+v", last) })
	return last
}

func (s *suite) eventually(what string, f func() bool, last func() string) {
	s.Helper()
	deadline := time.Now().Add(Deadline)
	for !f() {
		if time.Now().After(deadline) {
			s.Fatalf("%s; last: %s", what, last())
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// end waits for a launch's end and returns its last status and its output.
func (s *suite) end(id kigo.DynoID) (kigo.RunStatus, []string) {
	s.Helper()
	status := s.await(id, "the end", over)
	return status, texts(s.lines(id, 0))
}

// lines is all output of an ended launch.
func (s *suite) lines(id kigo.DynoID, after uint64) []dyno.Line {
	s.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Deadline)
	defer cancel()
	var lines []dyno.Line
	if err := s.Engine.Logs(ctx, id, after, func(l dyno.Line) { lines = append(lines, l) }); err != nil {
		s.Fatalf("logs of %s: %v", id, err)
	}
	return lines
}

func texts(lines []dyno.Line) []string {
	var list []string
	for _, l := range lines {
		list = append(list, l.Text)
	}
	return list
}

// output runs a shell script to its end and returns its output.
func (s *suite) output(script string) string {
	s.Helper()
	_, lines := s.end(s.start(s.launch("sh", "-c", script)))
	return strings.Join(lines, "\n")
}

// wait gives a log line time to come without reading to the end.
func (s *suite) awaitLine(id kigo.DynoID, text string) {
	s.Helper()
	s.awaitLines(id, text, 1)
}

// awaitLines is awaitLine for a line that several processes write.
func (s *suite) awaitLines(id kigo.DynoID, text string, n int) {
	s.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Deadline)
	defer cancel()
	found := 0
	_ = s.Engine.Logs(ctx, id, 0, func(l dyno.Line) {
		if l.Text == text {
			if found++; found == n {
				cancel()
			}
		}
	})
	if found < n {
		s.Fatalf("line %q came %d times, want %d", text, found, n)
	}
}

var tests = slices.Concat(lifeTests, stopTests, rootTests, logTests, attachTests, execTests, crashTests, badTests)

func (s *suite) check(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

func short() bool { return testing.Short() }

// running reports whether a process is there and not a zombie.
func running(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}
