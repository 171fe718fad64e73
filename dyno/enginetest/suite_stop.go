package enginetest

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/kigo-dev/kigo"
)

var stopTests = []test{
	{"a web process is ready when it listens", func(s *suite) {
		const pause = 2 * time.Second
		l := s.launch("sh", "-c", "sleep 2; exec testapp serve")
		l.Port, l.Boot = 5000, Deadline
		id := s.start(l)
		if early, _ := s.Engine.Status(context.Background(), id); early.State != kigo.RunStarting {
			s.Errorf("state %s before it listens", early.State)
		}
		status := s.await(id, "readiness", ready)
		if status.ReadyAt.Sub(status.StartedAt) < pause || status.Address == "" || status.Pid == 0 {
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
	{"a process that binds IPv6 any address is ready and reached by IPv4", func(s *suite) {
		l := s.launch("testapp", "serve", "[::]:5000")
		l.Port, l.Boot = 5000, Deadline
		status := s.await(s.start(l), "readiness", ready)
		if got := get(s, status.Address+":5000"); got != "hello from web.1" {
			s.Errorf("answer %q", got)
		}
	}},
	{"a process that does not listen in time is killed", func(s *suite) {
		l := s.launch("testapp", "deaf")
		l.Port, l.Boot = 5000, 300*time.Millisecond
		if end := s.await(s.start(l), "the end", over); !end.BootTimedOut || end.ExitCode != 137 {
			s.Errorf("end %+v, want a boot timeout", end)
		}
	}},
	{"listening on loopback alone is not ready", func(s *suite) {
		l := s.launch("testapp", "serve", "127.0.0.1:5000")
		l.Port, l.Boot = 5000, 500*time.Millisecond
		if end := s.await(s.start(l), "the end", over); !end.BootTimedOut || !end.ReadyAt.IsZero() {
			s.Errorf("end %+v, want a boot timeout", end)
		}
	}},
	{"stop reaches every process", func(s *suite) {
		id := s.start(s.launch("sh", "-c", "testapp trap & testapp trap & testapp trap; wait; echo all"))
		s.awaitLine(id, "ready")
		s.eventually("three ready", func() bool { return s.count(id, "ready") == 3 }, func() string { return "" })
		s.check(s.Engine.Stop(context.Background(), id))
		end, lines := s.end(id)
		if n := strings.Count(strings.Join(lines, "\n"), "got terminated"); n != 3 || end.StopTimedOut || end.ExitCode != 143 {
			s.Errorf("end %+v, output %q", end, lines)
		}
	}},
	{"what a shell started may finish its work after SIGTERM", func(s *suite) {
		id := s.start(s.launch("sh", "-c", "sh -c 'trap \"sleep 0.3; echo finished; exit\" TERM; echo ready; while :; do sleep 0.05; done'; true"))
		s.awaitLine(id, "ready")
		s.check(s.Engine.Stop(context.Background(), id))
		if end, lines := s.end(id); !slices.Contains(lines, "finished") || end.ExitCode != 143 {
			s.Errorf("end %+v, output %q", end, lines)
		}
	}},
	{"a stop just after the start is not lost", func(s *suite) {
		for range 12 {
			l := s.launch("sleep", "1000")
			l.Grace = 20 * time.Second
			id := s.start(l)
			s.check(s.Engine.Stop(context.Background(), id))
			if end := s.await(id, "the end", over); end.ExitCode != 143 || end.StopTimedOut {
				s.Fatalf("end %+v, want 143", end)
			}
		}
	}},
	{"a process deaf to SIGTERM is killed after its grace", func(s *suite) {
		l := s.launch("testapp", "deaf")
		l.Grace = 3 * time.Second
		id := s.start(l)
		s.awaitLine(id, "ready")
		began := time.Now()
		s.check(s.Engine.Stop(context.Background(), id))
		if status, _ := s.Engine.Status(context.Background(), id); over(status) {
			s.Errorf("killed at once: %+v", status)
		}
		end := s.await(id, "the end", over)
		if took := time.Since(began); !end.StopTimedOut || end.ExitCode != 137 || took < l.Grace {
			s.Errorf("end %+v after %s, want a stop timeout", end, took)
		}
	}},
	{"a process that eats more than its memory is killed and that is told", func(s *suite) {
		if end := s.await(s.start(s.launch("testapp", "eat")), "the end", over); !end.OOM || end.ExitCode != 137 {
			s.Errorf("end %+v, want out of memory", end)
		}
	}},
	{"the limit of open files holds", func(s *suite) {
		if got := s.output("ulimit -n; ulimit -Hn; ulimit -c"); got != "10000\n10000\n0" {
			s.Errorf("limits %q", got)
		}
	}},
	{"the limit of processes holds", func(s *suite) {
		l := s.launch("testapp", "threads")
		l.Pids = 32
		_, lines := s.end(s.start(l))
		var got int
		for _, line := range lines {
			got = atoi(strings.TrimPrefix(line, "processes "))
		}
		if got < 10 || got > 40 {
			s.Errorf("%q processes under a limit of 32", lines)
		}
	}},
	{"the share of a processor is bounded", func(s *suite) {
		l := s.launch("sh", "-c", "while :; do :; done")
		l.CPU.Quota = 200
		id := s.start(l)
		began := time.Now()
		first, err := s.Engine.Stats(context.Background(), id)
		s.check(err)
		var used, took time.Duration
		s.eventually("a second", func() bool {
			now, err := s.Engine.Stats(context.Background(), id)
			s.check(err)
			used, took = now.CPU-first.CPU, time.Since(began)
			return took > time.Second
		}, func() string { return "" })
		if share := float64(used) / float64(took); share > 0.35 {
			s.Errorf("used %.2f of a core, want 0.2", share)
		}
	}},
}

// count is how often a line has come so far.
func (s *suite) count(id kigo.DynoID, text string) int {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	n := 0
	_ = s.Engine.Logs(ctx, id, 0, func(l kigo.OutputLine) {
		if l.Text == text {
			n++
		}
	})
	return n
}

func atoi(text string) int {
	n := 0
	for _, c := range text {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}
