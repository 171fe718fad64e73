package enginetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/kigo-dev/kigo"
)

// badTests are processes that behave as no process should.
var badTests = []test{
	{"a daemon does not outlive the command that left it", func(s *suite) {
		id := s.start(s.launch("sh", "-c", "(setsid testapp trap &) ; until ps -o args | grep -q 'testapp tra[p]'; do sleep 0.01; done; echo left"))
		end, lines := s.end(id)
		if end.ExitCode != 0 || !slices.Contains(lines, "left") {
			s.Errorf("end %+v, output %q", end, lines)
		}
	}},
	{"a daemon is stopped in order with the rest", func(s *suite) {
		id := s.start(s.launch("sh", "-c", "(setsid testapp trap &) ; exec testapp deaf"))
		s.awaitLines(id, "ready", 2) // both listen
		s.check(s.Engine.Stop(context.Background(), id))
		s.awaitLine(id, "got terminated")
		s.check(s.Engine.Kill(context.Background(), id))
		if end := s.await(id, "the end", over); end.ExitCode != 137 {
			s.Errorf("end %+v", end)
		}
	}},
	{"a process that closes its output runs on", func(s *suite) {
		l := s.launch("sh", "-c", "exec testapp serve >&- 2>&- <&-")
		l.Port, l.Boot = 5000, Deadline
		id := s.start(l)
		status := s.await(id, "readiness", ready)
		if got := get(s, status.Address+":5000"); got != "hello from web.1" {
			s.Errorf("answer %q", got)
		}
		s.check(s.Engine.Stop(context.Background(), id))
		if end := s.await(id, "the end", over); end.ExitCode != 143 {
			s.Errorf("end %+v", end)
		}
	}},
	{"ten thousand children are as many as the size allows, and all end", func(s *suite) {
		l := s.launch("testapp", "swarm", "10000")
		l.Pids = 64
		id := s.start(l)
		s.awaitLine(id, "started some: true, refused some: true")
		s.check(s.Engine.Stop(context.Background(), id))
		if end := s.await(id, "the end", over); end.StopTimedOut {
			s.Errorf("end %+v", end)
		}
	}},
	{"thousands of orphans are all reaped", func(s *suite) {
		l := s.launch("testapp", "orphans", "2000")
		l.Pids = 64
		if end, lines := s.end(s.start(l)); end.ExitCode != 0 || !slices.Contains(lines, "all orphaned") {
			s.Errorf("end %+v, output %q", end, lines)
		}
	}},
	{"an exec into a launch that is ending is refused or ends with it", func(s *suite) {
		l := s.launch("testapp", "deaf")
		l.Grace = 5 * time.Second
		id := s.start(l)
		s.awaitLine(id, "ready")
		s.check(s.Engine.Stop(context.Background(), id))
		ctx, cancel := context.WithTimeout(context.Background(), Deadline)
		defer cancel()
		conn, err := s.Engine.Exec(ctx, id, kigo.Exec{Command: []string{"sleep", "1000"}, Env: []string{"PATH=/bin"}})
		if err == nil {
			s.readAll(conn)
			_ = conn.Close()
		} else if !errors.Is(err, kigo.ErrConflict) || !strings.Contains(err.Error(), string(id)) {
			s.Errorf("refused with %v", err)
		}
		if end := s.await(id, "the end", over); !end.StopTimedOut {
			s.Errorf("end %+v", end)
		}
	}},
}
