package drain_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/internal/testenv"
	"github.com/kigo-dev/kigo/logplex"
)

// rsyslog is a real rsyslogd that writes what it receives into a file.
type rsyslog struct {
	t         testing.TB
	dir, port string
	config    string
	cmd       *exec.Cmd
	output    string
}

func startRsyslog(t testing.TB) *rsyslog {
	t.Helper()
	if _, err := exec.LookPath("rsyslogd"); err != nil {
		if _, err := os.Stat("/usr/sbin/rsyslogd"); err != nil {
			t.Fatal("rsyslogd is missing: run script/setup")
		}
	}
	port := testenv.Port(t)
	s := &rsyslog{t: t, dir: t.TempDir(), port: port}
	s.output, s.config = filepath.Join(s.dir, "out"), filepath.Join(s.dir, "rsyslog.conf")
	config := fmt.Sprintf(`global(workDirectory=%q maxMessageSize="64k" parser.escapeControlCharactersOnReceive="off")
module(load="imtcp")
template(name="raw" type="string" string="%%rawmsg%%\n")
input(type="imtcp" port=%q address="127.0.0.1")
action(type="omfile" file=%q template="raw")
`, s.dir, port, s.output)
	if err := os.WriteFile(s.config, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	s.start()
	t.Cleanup(func() { s.stop() })
	return s
}

func (s *rsyslog) start() {
	s.t.Helper()
	s.cmd = exec.Command("/usr/sbin/rsyslogd", "-n", "-f", s.config, "-i", filepath.Join(s.dir, "pid"))
	var errs bytes.Buffer
	s.cmd.Stderr = &errs
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	eventually(s.t, time.Minute, func() error {
		conn, err := net.Dial("tcp", "127.0.0.1:"+s.port)
		if err != nil {
			return fmt.Errorf("rsyslogd does not listen: %w", err)
		}
		return conn.Close()
	})
}

// stop lets it finish what it has received.
func (s *rsyslog) stop() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it ignores SIGINT
	hard := time.AfterFunc(20*time.Second, func() { _ = s.cmd.Process.Kill() })
	_ = s.cmd.Wait()
	hard.Stop()
	s.cmd = nil
}

// lines are the numbers that arrived, and how many were reported dropped.
func (s *rsyslog) lines() (numbers []int, dropped int) {
	data, err := os.ReadFile(s.output)
	if err != nil {
		return nil, 0
	}
	whole := data[:bytes.LastIndexByte(data, '\n')+1]
	for line := range strings.Lines(string(whole)) {
		m := form.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil {
			s.t.Fatalf("rsyslog got %q", line)
		}
		if n := l10.FindStringSubmatch(m[4]); n != nil {
			count, _ := strconv.Atoi(n[1])
			dropped += count
			continue
		}
		n, err := strconv.Atoi(m[4])
		if err != nil {
			s.t.Fatalf("rsyslog got %q", line)
		}
		numbers = append(numbers, n)
	}
	return numbers, dropped
}

func TestRsyslogGetsEveryLineOverARestart(t *testing.T) {
	t.Parallel()
	rs, s := startRsyslog(t), newSite(t)
	d := s.drainTo("syslog://127.0.0.1:" + rs.port)
	defer s.start()()
	s.ready(d)
	s.write("web.1", 0, 3000)
	eventually(t, time.Minute, func() error {
		if numbers, _ := rs.lines(); len(numbers) < 3000 {
			return fmt.Errorf("%d of 3000", len(numbers))
		}
		return nil
	})
	rs.stop()
	s.write("web.1", 3000, 2000)
	rs.start()
	s.write("web.1", 5000, 100)
	seen := map[int]bool{}
	eventually(t, 30*time.Second, func() error {
		numbers, dropped := rs.lines()
		for _, n := range numbers {
			seen[n] = true
		}
		if len(seen)+dropped != 5100 {
			return fmt.Errorf("%d lines and %d dropped of 5100", len(seen), dropped)
		}
		return nil
	})
	data, _ := os.ReadFile(rs.output)
	if !strings.Contains(string(data), " "+d.Token+" app web.1 - 42\n") {
		t.Error("messages do not name the drain as their host")
	}
}

func TestSyslogOverTLSReachesAReceiverWithAGoodCertificate(t *testing.T) {
	t.Parallel()
	r, s := newReceiver(t), newSite(t)
	s.roots = r.roots()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Fatal("openssl is missing: run script/setup")
	}
	dir := t.TempDir()
	certificate := r.certificate()
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	pair := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]})
	pair = append(pair, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...)
	file := filepath.Join(dir, "pair.pem")
	if err := os.WriteFile(file, pair, 0o600); err != nil {
		t.Fatal(err)
	}
	address := net.JoinHostPort("127.0.0.1", testenv.Port(t))
	var out safeBuffer
	cmd := exec.CommandContext(t.Context(), "openssl", "s_server", "-accept", address, "-cert", file, "-key", file, "-quiet")
	in, err := cmd.StdinPipe() // stays open: at its end the server would go
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	eventually(t, time.Minute, func() error {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return err
		}
		return conn.Close()
	})
	d := s.drainTo("syslog+tls://" + address)
	defer s.start()()
	s.ready(d)
	s.write("web.1", 0, 2500)
	eventually(t, time.Minute, func() error {
		if n := strings.Count(out.String(), " app web.1 - "); n != 2500 {
			return fmt.Errorf("%d of 2500 lines", n)
		}
		return nil
	})
	if messages := parse(t, []byte(out.String())); len(messages) != 2500 || !strings.HasSuffix(messages[2499], " app web.1 - 2499") {
		t.Errorf("%d messages", len(messages))
	}
	_ = s.hub.Tail(t.Context(), s.app, logplex.Filter{Process: "logplex", Lines: 10}, func(uint64, kigo.LogLine) error {
		t.Error("the log complains of a good certificate")
		return nil
	})
}
