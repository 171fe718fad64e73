package enginetest

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/kigo-dev/kigo"
)

var tests = []test{
	{"a launch is ready without a port and its output and status are kept", func(s *suite) {
		l := s.launch("sh", "-c", "echo one; echo two >&2; printf three; exit 3")
		status, lines := s.end(s.start(l))
		if status.State != kigo.RunExited || status.ExitCode != 3 || status.ExitedAt.IsZero() {
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
	{"a web process is ready when it listens", func(s *suite) {
		l := s.launch("testapp", "serve")
		l.Port, l.Boot = 5000, 10*time.Second
		id := s.start(l)
		status := s.await(id, "readiness", ready)
		if status.ReadyAt.IsZero() || status.Address == "" || status.Pid == 0 {
			s.Errorf("status %+v", status)
		}
		if got := get(s, status.Address+":5000"); got != "hello from web.1" {
			s.Errorf("answer %q", got)
		}
		s.check(s.Engine.Stop(context.Background(), id))
		if end := s.await(id, "the end", over); end.ExitCode != 143 || end.StopTimedOut {
			s.Errorf("end %+v, want 143", end)
		}
	}},
}

func (s *suite) check(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}
