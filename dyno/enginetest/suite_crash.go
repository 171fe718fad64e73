package enginetest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/kigo-dev/kigo"
)

var crashTests = []test{
	{"a new engine takes over what runs and what has ended", func(s *suite) {
		if s.Restart == nil {
			return
		}
		l := s.launch("sh", "-c", "echo before; exec testapp serve")
		l.Port, l.Boot = 5000, Deadline
		id, done := s.start(l), s.start(s.launch("sh", "-c", "echo bye; exit 9"))
		before := s.await(id, "readiness", ready)
		s.await(done, "the end", over)
		s.Engine = s.Restart()
		after, err := s.Engine.Status(context.Background(), id)
		s.check(err)
		if after != before {
			s.Errorf("status %+v, was %+v", after, before)
		}
		if got := get(s, after.Address+":5000"); got != "hello from web.1" {
			s.Errorf("answer %q", got)
		}
		if end, lines := s.end(done); end.ExitCode != 9 || fmt.Sprint(lines) != "[bye]" {
			s.Errorf("ended one: %+v %q", end, lines)
		}
		s.check(s.Engine.Start(context.Background(), l)) // known: nothing happens
		s.check(s.Engine.Stop(context.Background(), id))
		if end, lines := s.end(id); end.ExitCode != 143 || fmt.Sprint(lines) != "[before]" {
			s.Errorf("end %+v, output %q", end, lines)
		}
	}},
	{"output and the end during an engine's absence are not lost", func(s *suite) {
		if s.Restart == nil {
			return
		}
		id := s.start(s.launch("sh", "-c", "printf 'half a '; sleep 0.3; echo line; i=0; while [ $i -lt 100 ]; do echo $i; i=$((i+1)); done; exit 6"))
		s.Engine = s.Restart()
		end, lines := s.end(id)
		if end.ExitCode != 6 || len(lines) != 101 || lines[0] != "half a line" || lines[100] != "99" {
			s.Errorf("end %+v, %d lines, first %q", end, len(lines), lines[:min(3, len(lines))])
		}
	}},
	{"an attached launch hangs up when its engine is gone", func(s *suite) {
		if s.Restart == nil {
			return
		}
		l := s.launch("testapp", "trap")
		l.TTY = &kigo.TTY{Rows: 24, Cols: 80}
		id := s.start(l)
		conn := s.attach(id)
		s.readUntil(conn, "ready")
		_ = conn.Close()
		s.Engine = s.Restart()
		if end := s.await(id, "the end", over); end.ExitCode != 7 {
			s.Errorf("end %+v, want 7", end)
		}
	}},
	{"a launch whose keeper was killed is lost and gone", func(s *suite) {
		if s.KillShim == nil {
			return
		}
		for _, down := range []bool{false, true} {
			l := s.launch("testapp", "serve")
			l.Port, l.Boot = 5000, Deadline
			id := s.start(l)
			status := s.await(id, "readiness", ready)
			s.KillShim(id)
			if down && s.Restart != nil {
				s.Engine = s.Restart()
			}
			end := s.await(id, "the end", over)
			if end.State != kigo.RunLost || end.Reason == "" {
				s.Errorf("end %+v, want lost", end)
			}
			s.eventually("the process to be gone", func() bool { return !running(status.Pid) }, func() string { return fmt.Sprint("pid ", status.Pid) })
			s.check(s.Engine.Remove(context.Background(), id))
		}
	}},
	{"a keeper's death does not break the launch's output", func(s *suite) {
		if s.KillShim == nil || s.Restart == nil {
			return
		}
		id := s.start(s.launch("sh", "-c", "echo kept; exec testapp trap"))
		s.awaitLine(id, "ready")
		s.KillShim(id)
		if _, lines := s.end(id); strings.Join(lines, "|") != "kept|ready" {
			s.Errorf("output %q", lines)
		}
	}},
	{"a hundred launches start side by side", func(s *suite) {
		if short() {
			return
		}
		began := time.Now()
		ids := make(chan kigo.DynoID)
		for range 100 {
			l := s.launch("testapp", "serve")
			l.Port, l.Boot = 5000, 2*Deadline
			go func() {
				defer func() { ids <- l.ID }() // also when the start has failed
				s.start(l)
			}()
		}
		for range 100 {
			s.await(<-ids, "readiness", ready)
		}
		s.Logf("100 launches ready in %s", time.Since(began).Round(time.Millisecond))
	}},
}
