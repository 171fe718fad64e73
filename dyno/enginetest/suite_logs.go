package enginetest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/kigo-dev/kigo"
)

var logTests = []test{
	{"lines are numbered, stamped, binary safe and split where they are too long", func(s *suite) {
		l := s.launch("sh", "-c", `printf 'a\000\377b\n\nc\n'; testapp lines 1 25000`)
		began := time.Now()
		id := s.start(l)
		s.await(id, "the end", over)
		lines := s.lines(id, 0)
		want := []int{4, 0, 1, kigo.MaxLogLine, kigo.MaxLogLine, 5000}
		if len(lines) != len(want) {
			s.Fatalf("%d lines %q", len(lines), texts(lines))
		}
		for i, line := range lines {
			if len(line.Text) != want[i] || line.Seq != uint64(i+1) || line.Dropped != 0 || line.Time.Before(began) || line.Time.After(time.Now()) {
				s.Errorf("line %d: %d bytes, seq %d, dropped %d, at %s", i, len(line.Text), line.Seq, line.Dropped, line.Time)
			}
		}
		if lines[0].Text != "a\x00\xffb" {
			s.Errorf("binary line %q", lines[0].Text)
		}
	}},
	{"logs follow a running launch and resume behind a number", func(s *suite) {
		id := s.start(s.launch("sh", "-c", "echo 1; echo 2; testapp trap; echo 4"))
		s.awaitLine(id, "ready")
		ctx, cancel := context.WithTimeout(context.Background(), Deadline)
		defer cancel()
		got := make(chan string, 10)
		go func() {
			_ = s.Engine.Logs(ctx, id, 2, func(l kigo.OutputLine) { got <- fmt.Sprint(l.Seq, " ", l.Text) })
			close(got)
		}()
		if line := <-got; line != "3 ready" {
			s.Errorf("first line %q", line)
		}
		s.check(s.Engine.Stop(ctx, id))
		var rest []string
		for line := range got {
			rest = append(rest, line)
		}
		if len(rest) == 0 || rest[0] != "4 got terminated" {
			s.Errorf("then %q", rest)
		}
		if again := texts(s.lines(id, 3)); len(again) == 0 || again[0] != "got terminated" {
			s.Errorf("resumed %q", again)
		}
	}},
	{"nobody reading neither blocks a launch nor is hidden", func(s *suite) {
		const n = 100_000
		id := s.start(s.launch("testapp", "lines", fmt.Sprint(n), "200"))
		s.await(id, "the end", over)
		lines := s.lines(id, 0)
		total := 0
		for _, l := range lines {
			total += 1 + l.Dropped
		}
		last := lines[len(lines)-1]
		if total != n || last.Seq != n || !strings.HasPrefix(last.Text, fmt.Sprint(n-1, " ")) {
			s.Errorf("%d lines and drops of %d, last %d %.20q", total, n, last.Seq, last.Text)
		}
		if len(lines) == n {
			s.Error("20 MB were kept: the ring has no bound")
		}
	}},
	{"a reader that keeps up loses nothing", func(s *suite) {
		const n = 7_500 // which the keeper holds whole while the disk is slow
		id := s.start(s.launch("sh", "-c", fmt.Sprintf("for i in 1 2 3 4 5; do testapp lines %d 100; sleep 0.1; done", n/5)))
		ctx, cancel := context.WithTimeout(context.Background(), Deadline)
		defer cancel()
		next, dropped := uint64(1), 0
		err := s.Engine.Logs(ctx, id, 0, func(l kigo.OutputLine) {
			dropped += l.Dropped
			if l.Seq != next {
				s.Errorf("line %d after %d", l.Seq, next-1)
			}
			next = l.Seq + 1
		})
		if err != nil || dropped != 0 || next != n+1 {
			s.Errorf("err %v, %d dropped, %d lines", err, dropped, next-1)
		}
	}},
}
