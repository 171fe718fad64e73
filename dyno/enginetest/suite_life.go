package enginetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kigo-dev/kigo"
)

var lifeTests = []test{
	{"a launch is ready without a port and its output and status are kept", func(s *suite) {
		l := s.launch("sh", "-c", "echo one; echo two >&2; printf three; exit 3")
		status, lines := s.end(s.start(l))
		if status.State != kigo.RunExited || status.ExitCode != 3 || status.ExitedAt.IsZero() || status.OOM {
			s.Errorf("status %+v, want exited with 3", status)
		}
		if got := strings.Join(lines, "|"); got != "one|two|three" {
			s.Errorf("output %q", got)
		}
	}},
	{"an unknown launch is not found", func(s *suite) {
		ctx := context.Background()
		_, err := s.Engine.Status(ctx, "none")
		_, err2 := s.Engine.Attach(ctx, "none")
		_, err3 := s.Engine.Stats(ctx, "none")
		for _, err := range []error{err, err2, err3, s.Engine.Stop(ctx, "none"), s.Engine.Kill(ctx, "none"), s.Engine.Remove(ctx, "none"), s.Engine.Logs(ctx, "none", 0, nil)} {
			if !errors.Is(err, kigo.ErrNotFound) {
				s.Errorf("error %v, want not found", err)
			}
		}
	}},
	{"starting an id many times is the same as once", func(s *suite) {
		l := s.launch("sh", "-c", "echo started; exec testapp trap")
		var group sync.WaitGroup
		for range 8 {
			group.Add(1)
			go func() {
				defer group.Done()
				if err := s.Engine.Start(context.Background(), l); err != nil {
					s.Error(err)
				}
			}()
		}
		group.Wait()
		id := s.start(l)
		s.awaitLine(id, "ready")
		s.check(s.Engine.Stop(context.Background(), id))
		if _, lines := s.end(id); strings.Join(lines, "|") != "started|ready|got terminated" {
			s.Errorf("output %q", lines)
		}
	}},
	{"a launch that cannot start leaves nothing and may start again", func(s *suite) {
		l := s.launch("sh", "-c", "exit 0")
		good := l.Stack
		l.Stack.Digest = "sha256:" + strings.Repeat("0", 64)
		if err := s.Engine.Start(context.Background(), l); err == nil {
			s.Error("a launch without an image started")
		}
		if _, err := s.Engine.Status(context.Background(), l.ID); !errors.Is(err, kigo.ErrNotFound) {
			s.Errorf("status after a failed start: %v", err)
		}
		l.Stack = good
		if status, _ := s.end(s.start(l)); status.ExitCode != 0 {
			s.Errorf("status %+v", status)
		}
	}},
	{"a command that is not there ends with 127", func(s *suite) {
		status, lines := s.end(s.start(s.launch("no-such-command")))
		if status.ExitCode != 127 || len(lines) != 1 || !strings.Contains(lines[0], "no-such-command: command not found") {
			s.Errorf("status %+v, output %q", status, lines)
		}
	}},
	{"a command ended by a signal exits with 128 and its number", func(s *suite) {
		if status, _ := s.end(s.start(s.launch("sh", "-c", "kill -SEGV $$"))); status.ExitCode != 139 {
			s.Errorf("status %+v, want 139", status)
		}
	}},
	{"orphans are reaped and end with the command", func(s *suite) {
		out := s.output("for i in 1 2 3 4 5; do (sleep 0.01 &) ; done; (sleep 1000 &); sleep 0.2; ps -o stat | grep -c Z; true")
		if out != "0" {
			s.Errorf("zombies: %q", out)
		}
	}},
	{"a running launch cannot be removed and an ended one is gone", func(s *suite) {
		id := s.start(s.launch("testapp", "trap"))
		ctx := context.Background()
		if err := s.Engine.Remove(ctx, id); !errors.Is(err, kigo.ErrConflict) {
			s.Errorf("remove while running: %v", err)
		}
		s.check(s.Engine.Kill(ctx, id))
		if status := s.await(id, "the end", over); status.ExitCode != 137 {
			s.Errorf("status %+v, want 137", status)
		}
		s.check(s.Engine.Kill(ctx, id)) // once more does nothing
		s.check(s.Engine.Remove(ctx, id))
		if _, err := s.Engine.Status(ctx, id); !errors.Is(err, kigo.ErrNotFound) {
			s.Errorf("status after remove: %v", err)
		}
		if list, err := s.Engine.List(ctx); err != nil || len(list) != 0 {
			s.Errorf("list %v, %v", list, err)
		}
	}},
	{"watch tells the present and then each change in order", func(s *suite) {
		before := s.start(s.launch("testapp", "trap"))
		s.await(before, "readiness", ready)
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		var mu sync.Mutex
		seen := map[kigo.DynoID][]kigo.RunState{}
		go func() {
			_ = s.Engine.Watch(ctx, func(r kigo.RunStatus) {
				mu.Lock()
				defer mu.Unlock()
				if list := seen[r.ID]; len(list) == 0 || list[len(list)-1] != r.State {
					seen[r.ID] = append(list, r.State)
				}
			})
		}()
		told := func(id kigo.DynoID) string {
			mu.Lock()
			defer mu.Unlock()
			return fmt.Sprint(seen[id])
		}
		s.eventually("the present", func() bool { return told(before) == "[ready]" }, func() string { return told(before) })
		l := s.launch("sh", "-c", "testapp serve & trap 'sleep 0.5; exit 3' TERM; wait") // not over before stopping is told
		l.Port, l.Boot = 5000, Deadline
		id := s.start(l)
		s.await(id, "readiness", ready)
		s.check(s.Engine.Stop(ctx, id))
		s.eventually("all changes", func() bool { return told(id) == "[starting ready stopping exited]" }, func() string { return told(id) })
	}},
	{"list knows everything", func(s *suite) {
		a, b := s.start(s.launch("testapp", "trap")), s.start(s.launch("sh", "-c", "exit 1"))
		s.await(b, "the end", over)
		list, err := s.Engine.List(context.Background())
		s.check(err)
		var ids []kigo.DynoID
		for _, r := range list {
			ids = append(ids, r.ID)
		}
		if len(ids) != 2 || !slices.Contains(ids, a) || !slices.Contains(ids, b) {
			s.Errorf("list %v, want %s and %s", ids, a, b)
		}
	}},
	{"usage is told", func(s *suite) {
		id := s.start(s.launch("sh", "-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; exec testapp trap"))
		s.awaitLine(id, "ready")
		stats, err := s.Engine.Stats(context.Background(), id)
		s.check(err)
		if stats.CPU < 10*time.Millisecond || stats.MemoryRSS < 100<<10 || stats.Pids < 2 || stats.MemoryPeak < stats.MemoryRSS {
			s.Errorf("stats %+v", stats)
		}
	}},
}
