package enginetest

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/kigo-dev/kigo"
)

var attachTests = []test{
	{"a terminal is a terminal", func(s *suite) {
		l := s.launch("sh", "-c", "tty; stty size; exec sh")
		l.TTY = &kigo.TTY{Rows: 33, Cols: 101}
		id := s.start(l)
		conn := s.attach(id)
		s.write(conn, "echo $((40+2))\nexit 5\n")
		out := s.readAll(conn)
		if !strings.Contains(out, "/dev/pts/0") || !strings.Contains(out, "33 101") || !strings.Contains(out, "\n42\r\n") {
			s.Errorf("output %q", out)
		}
		status, lines := s.end(id)
		if status.ExitCode != 5 || len(lines) != 0 {
			s.Errorf("status %+v, log %q: want 5 and no log", status, lines)
		}
	}},
	{"control C reaches the foreground of a terminal", func(s *suite) {
		l := s.launch("sh", "-c", "echo started; sleep 1000; echo not reached")
		l.TTY = &kigo.TTY{Rows: 24, Cols: 80}
		id := s.start(l)
		conn := s.attach(id)
		s.readUntil(conn, "started")
		s.write(conn, "\x03")
		if out := s.readAll(conn); strings.Contains(out, "not reached") {
			s.Errorf("output %q", out)
		}
		if status := s.await(id, "the end", over); status.ExitCode != 130 {
			s.Errorf("status %+v, want 130", status)
		}
	}},
	{"pipes carry bytes both ways and the end of input", func(s *suite) {
		l := s.launch("sh", "-c", "cat; echo done; exit 4")
		l.Stdin = true
		id := s.start(l)
		conn := s.attach(id)
		text := strings.Repeat("\x00\xff\r\nbytes", 50_000)
		go func() {
			_, _ = io.WriteString(conn, text)
			_ = conn.(interface{ CloseWrite() error }).CloseWrite()
		}()
		if out := s.readAll(conn); out != text+"done\n" {
			s.Errorf("%d bytes came back of %d", len(out), len(text))
		}
		status, lines := s.end(id)
		if status.ExitCode != 4 || len(lines) != 0 {
			s.Errorf("status %+v, log %q: want 4 and no log", status, lines)
		}
	}},
	{"closing an attachment hangs up", func(s *suite) {
		for _, tty := range []*kigo.TTY{nil, {Rows: 24, Cols: 80}} {
			l := s.launch("testapp", "trap")
			l.TTY, l.Stdin = tty, tty == nil
			id := s.start(l)
			conn := s.attach(id)
			s.readUntil(conn, "ready")
			s.check(conn.Close())
			if status := s.await(id, "the end", over); status.ExitCode != 7 {
				s.Errorf("tty %v: status %+v, want 7 after SIGHUP", tty, status)
			}
		}
	}},
	{"only one client attaches and a launch without input has none", func(s *suite) {
		l := s.launch("testapp", "trap")
		l.Stdin = true
		id := s.start(l)
		_ = s.attach(id)
		if _, err := s.Engine.Attach(context.Background(), id); err == nil {
			s.Error("two clients are attached")
		}
		if _, err := s.Engine.Attach(context.Background(), s.start(s.launch("testapp", "trap"))); err == nil {
			s.Error("a launch without input was attached to")
		}
	}},
	{"who attaches after the end gets what was written", func(s *suite) {
		for _, tty := range []*kigo.TTY{nil, {Rows: 24, Cols: 80}} {
			l := s.launch("sh", "-c", "echo bye; exit 2")
			l.TTY, l.Stdin = tty, tty == nil
			id := s.start(l)
			s.await(id, "the end", over)
			if out := s.readAll(s.attach(id)); strings.TrimSpace(out) != "bye" {
				s.Errorf("tty %v: output %q", tty, out)
			}
		}
	}},
}

func (s *suite) attach(id kigo.DynoID) io.ReadWriteCloser {
	s.Helper()
	conn, err := s.Engine.Attach(context.Background(), id)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = conn.Close() })
	return conn
}

func (s *suite) write(conn io.Writer, text string) {
	s.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		s.Fatal(err)
	}
}

// readAll reads to the end, which comes with the launch's end.
func (s *suite) readAll(conn io.ReadCloser) string {
	s.Helper()
	timer := time.AfterFunc(Deadline, func() { _ = conn.Close() })
	out, err := io.ReadAll(conn)
	if !timer.Stop() || err != nil {
		s.Errorf("read to the end: %v after %q", err, tail(out))
	}
	return string(out)
}

func (s *suite) readUntil(conn io.ReadCloser, text string) {
	s.Helper()
	timer := time.AfterFunc(Deadline, func() { _ = conn.Close() })
	defer timer.Stop()
	var got []byte
	b := make([]byte, 1)
	for !strings.HasSuffix(string(got), text) {
		if _, err := conn.Read(b); err != nil {
			s.Fatalf("wait for %q: %v after %q", text, err, got)
		}
		got = append(got, b...)
	}
}

func tail(b []byte) []byte { return b[max(0, len(b)-200):] }
