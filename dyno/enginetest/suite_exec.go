package enginetest

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/kigo-dev/kigo"
)

func (s *suite) exec(id kigo.DynoID, x kigo.Exec) io.ReadWriteCloser {
	s.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Deadline)
	defer cancel()
	x.Env = append(x.Env, "PATH=/bin", "HOME=/app")
	conn, err := s.Engine.Exec(ctx, id, x)
	if err != nil {
		s.Fatalf("exec %q: %v", x.Command, err)
	}
	s.Cleanup(func() { _ = conn.Close() })
	return conn
}

var execTests = []test{
	{"an exec runs inside the launch and under its confinement", func(s *suite) {
		id := s.start(s.launch("sh", "-c", "echo secret > /app/mark; exec sleep 1000"))
		conn := s.exec(id, kigo.Exec{Env: []string{"A=b c"}, Command: []string{"sh", "-c",
			"until grep -s . /app/mark; do sleep 0.01; done; echo $A; id -u; grep -E 'CapEff|NoNewPrivs|Seccomp:' /proc/self/status; ps -o args | grep -c 'slee[p] 1000'; cat"}})
		if _, err := io.WriteString(conn, "typed\n"); err != nil {
			s.Fatal(err)
		}
		_ = conn.(interface{ CloseWrite() error }).CloseWrite()
		out := s.readAll(conn)
		for _, want := range []string{"secret\nb c\n1000\n", "CapEff:\t0000000000000000\n", "NoNewPrivs:\t1\n", "Seccomp:\t2\n", "\n2\ntyped\n"} { // two: process 1 and the command
			if !strings.Contains(out, want) {
				s.Errorf("output %q lacks %q", out, want)
			}
		}
		if status, err := s.Engine.Status(context.Background(), id); err != nil || over(status) {
			s.Errorf("the launch after it: %+v %v", status, err)
		}
	}},
	{"an exec with a terminal ends with its client", func(s *suite) {
		id := s.start(s.launch("sleep", "1000"))
		conn := s.exec(id, kigo.Exec{TTY: &kigo.TTY{Rows: 30, Cols: 90}, Command: []string{"sh", "-c", "tty; stty size; exec sleep 2000"}})
		s.readUntil(conn, "/dev/pts/")
		out := ""
		_ = conn.Close()
		s.eventually("the end of the exec", func() bool {
			list := s.exec(id, kigo.Exec{Command: []string{"ps", "-o", "args"}})
			out = s.readAll(list)
			return strings.Contains(out, "sleep 1000") && !strings.Contains(out, "sleep 2000")
		}, func() string { return out })
	}},
	{"an exec ends with its launch", func(s *suite) {
		id := s.start(s.launch("sleep", "1000"))
		conn := s.exec(id, kigo.Exec{Command: []string{"sh", "-c", "echo here; exec sleep 2000"}})
		s.readUntil(conn, "here")
		if err := s.Engine.Kill(context.Background(), id); err != nil {
			s.Fatal(err)
		}
		s.readAll(conn)
		s.await(id, "the end", over)
		if _, err := s.Engine.Exec(context.Background(), id, kigo.Exec{Command: []string{"true"}}); !errors.Is(err, kigo.ErrConflict) {
			s.Errorf("exec into one that has ended: %v", err)
		}
	}},
	{"an exec of a command that is not there is an error", func(s *suite) {
		id := s.start(s.launch("sleep", "1000"))
		_, err := s.Engine.Exec(context.Background(), id, kigo.Exec{Command: []string{"nosuch"}, Env: []string{"PATH=/bin"}})
		if err == nil {
			s.Error("no error")
		}
		if _, err := s.Engine.Exec(context.Background(), "nope", kigo.Exec{Command: []string{"true"}}); !errors.Is(err, kigo.ErrNotFound) {
			s.Errorf("exec into one that never was: %v", err)
		}
	}},
	{"a launch over twice its quota is killed whole and told so", func(s *suite) {
		l := s.launch("sh", "-c", "dd if=/dev/zero of=/dev/null bs=100M count=1; echo survived; sleep 1000")
		l.Memory, l.Most = 24<<20, 48<<20
		id := s.start(l)
		if status := s.await(id, "the end", over); !status.OOM || status.ExitCode != 137 {
			s.Errorf("status %+v, want an OOM kill with 137", status)
		}
	}},
	{"a launch between its quota and twice that runs on", func(s *suite) {
		l := s.launch("sh", "-c", "cat "+"/sys/fs/cgroup/memory/memory.limit_in_bytes; dd if=/dev/zero of=/dev/null bs=60M count=1 && echo survived")
		l.Memory, l.Most = 48<<20, 96<<20
		id := s.start(l)
		status, lines := s.end(id)
		if status.OOM || status.ExitCode != 0 || lines[0] != "50331648" {
			s.Errorf("status %+v %q", status, lines)
		}
	}},
}
