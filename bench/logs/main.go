// Command logs measures what a log line costs: from a connection into an app's
// stream with three tails and one HTTPS drain, side by side with rsyslog, which
// brings the same lines from a connection to another. Both are processes of their
// own, and so are the receivers: only the work in between is counted. It prints
// lines `figure value unit`. It needs rsyslogd (script/setup).
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// What is sent: lines of 100 bytes with their line end, in writes of 64 KiB.
const (
	count    = 2_000_000
	lineSize = 100
)

func main() {
	role := ""
	if len(os.Args) > 1 {
		role = os.Args[1]
	}
	var err error
	switch role {
	case "pipeline":
		err = pipeline(os.Args[2], os.Args[3])
	case "https":
		err = takeFrames()
	case "count":
		err = countLines()
	case "tcp":
		err = takeLines()
	default:
		err = run(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "logs:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "kigo-logs-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for _, measure := range []func() error{func() error { return barePipe(ctx) }, func() error { return latency(ctx, dir) }, func() error { return routerLine(ctx, dir) }} {
		if err := measure(); err != nil {
			return err
		}
	}
	for _, l := range []load{{"flood", 0}, {"paced", 200_000}} {
		ours, err := measureOurs(ctx, dir, l)
		if err != nil {
			return err
		}
		if err := measureTails(ctx, l); err != nil {
			return err
		}
		theirs, err := measureRsyslog(ctx, dir, l, "tcp")
		if err != nil {
			return err
		}
		if _, err := measureRsyslog(ctx, dir, l, "pipe"); err != nil {
			return err
		}
		fmt.Printf("logs-%s-lines-per-cpu-second-against-rsyslog %.2f x\n", l.name, theirs.perLine()/ours.perLine())
	}
	return nil
}

// load is how fast lines come: as fast as they are taken, or so many a second.
type load struct {
	name string
	pace int
}

// result is one pipeline's work.
type result struct {
	lines int
	cpu   time.Duration
	wall  time.Duration
}

func (r result) perLine() float64 { return float64(r.cpu.Nanoseconds()) / float64(r.lines) / 1000 }

func (r result) print(name string) {
	fmt.Printf("logs-%s-cpu-per-line %.2f µs\nlogs-%s-lines-per-second %.0f lines/s\n", name, r.perLine(), name, float64(r.lines)/r.wall.Seconds())
}

// child starts a role of this program and reads the first line that it says.
func child(ctx context.Context, args ...string) (*exec.Cmd, *bufio.Reader, string, error) {
	cmd := exec.CommandContext(ctx, "/proc/self/exe", args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, "", err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, "", err
	}
	said := bufio.NewReader(out)
	first, err := said.ReadString('\n')
	return cmd, said, strings.TrimSpace(first), err
}

func measureOurs(ctx context.Context, dir string, l load) (r result, err error) {
	receiver, got, address, err := child(ctx, "https", dir)
	if err != nil {
		return r, err
	}
	certificate, err := got.ReadString('\n')
	if err != nil {
		return r, err
	}
	cmd, said, in, err := child(ctx, "pipeline", address, strings.TrimSpace(certificate))
	if err != nil {
		return r, err
	}
	start := time.Now()
	if err := flood(ctx, "tcp", in, "", l.pace); err != nil {
		return r, err
	}
	text, err := said.ReadString('\n') // lines tailed and processor time, when the drain has nothing left
	if err != nil {
		return r, err
	}
	r.wall, r.lines = time.Since(start), count
	if err := cmd.Wait(); err != nil {
		return r, err
	}
	var tailed int
	if _, err := fmt.Sscan(text, &tailed, (*int64)(&r.cpu)); err != nil {
		return r, err
	}
	r.print(l.name + "-kigo-3-tails-1-drain")
	took, err := ask(ctx, address, certificate)
	if err != nil {
		return r, err
	}
	fmt.Printf("logs-%s-kigo-tailed %.1f %%\nlogs-%s-kigo-drained %.1f %%\n", l.name, float64(tailed)/count/3*100, l.name, took/count*100)
	return r, errors.Join(receiver.Process.Kill(), ignoreExit(receiver.Wait()))
}

// measureTails is measureOurs without the drain: what is left is the drain's work.
func measureTails(ctx context.Context, l load) error {
	cmd, said, in, err := child(ctx, "pipeline", "", "")
	if err != nil {
		return err
	}
	start := time.Now()
	if err := flood(ctx, "tcp", in, "", l.pace); err != nil {
		return err
	}
	r := result{lines: count}
	var tailed int
	if _, err := fmt.Fscan(said, &tailed, (*int64)(&r.cpu)); err != nil {
		return err
	}
	r.wall = time.Since(start)
	r.print(l.name + "-kigo-3-tails")
	return cmd.Wait()
}

// ask is how many lines the receiver has got.
func ask(ctx context.Context, address, certificate string) (n float64, err error) {
	roots, err := trust(strings.TrimSpace(certificate))
	if err != nil {
		return 0, err
	}
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, err
	}
	resp, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = fmt.Fscan(resp.Body, &n)
	return n, err
}

func ignoreExit(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil
	}
	return err
}

// flood sends all lines to an address, each with that head, pace of them a second
// or as many as are taken.
func flood(ctx context.Context, network, address, head string, pace int) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return err
	}
	line := head + strings.Repeat("x", lineSize-1) + "\n"
	batch := []byte(strings.Repeat(line, 640))
	start := time.Now()
	for i := range count / 640 {
		if pace > 0 {
			time.Sleep(time.Until(start.Add(time.Duration(i) * 640 * time.Second / time.Duration(pace))))
		}
		if _, err := conn.Write(batch); err != nil {
			return err
		}
	}
	if _, err := conn.Write([]byte(strings.Repeat(line, count%640))); err != nil {
		return err
	}
	return conn.Close()
}

// measureRsyslog sends the same through rsyslog to a plain TCP receiver, over TCP or a
// pipe of this machine. Debian's rsyslog reads no FIFO: its local pipe is a stream socket.
func measureRsyslog(ctx context.Context, dir string, l load, from string) (r result, err error) {
	receiver, got, address, err := child(ctx, "tcp")
	if err != nil {
		return r, err
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return r, err
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return r, err
	}
	in := free.Addr().String()
	_, inPort, _ := net.SplitHostPort(in)
	free.Close()
	network, input := "tcp", fmt.Sprintf(`module(load="imtcp")
input(type="imtcp" port=%q address="127.0.0.1")`, inPort)
	if from == "pipe" {
		network, in = "unix", filepath.Join(dir, "rsyslog.sock")
		input = fmt.Sprintf(`module(load="imptcp")
input(type="imptcp" path=%q unlink="on")`, in)
	}
	file := filepath.Join(dir, "rsyslog.conf")
	config := fmt.Sprintf(`global(workDirectory=%q)
%s
main_queue(queue.size="200000" queue.dequeueBatchSize="1024")
action(type="omfwd" target="127.0.0.1" port=%q protocol="tcp")
`, dir, input, port)
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return r, err
	}
	cmd := exec.CommandContext(ctx, "rsyslogd", "-n", "-f", file, "-i", filepath.Join(dir, "pid"))
	if cmd.Err != nil {
		cmd = exec.CommandContext(ctx, "/usr/sbin/rsyslogd", "-n", "-f", file, "-i", filepath.Join(dir, "pid"))
	}
	if err := cmd.Start(); err != nil {
		return r, err
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		conn, err := net.Dial(network, in)
		if err == nil {
			conn.Close()
			break
		}
		if time.Now().After(deadline) {
			return r, err
		}
	}
	start := time.Now()
	if err := flood(ctx, network, in, "<190>1 2026-11-22T12:00:00.000000+00:00 host app web.1 - - ", l.pace); err != nil {
		return r, err
	}
	text, err := got.ReadString('\n')
	if err != nil {
		return r, err
	}
	if r.lines, err = strconv.Atoi(strings.TrimSpace(text)); err != nil {
		return r, err
	}
	r.wall = time.Since(start)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return r, err
	}
	if err := ignoreExit(cmd.Wait()); err != nil {
		return r, err
	}
	r.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	r.print(l.name + "-rsyslog-" + from + "-to-tcp")
	return r, errors.Join(receiver.Process.Kill(), ignoreExit(receiver.Wait()))
}

// takeLines counts lines on one connection and says so when all have come.
func takeLines() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	conn, err := l.Accept()
	if err != nil {
		return err
	}
	buf, n := make([]byte, 256<<10), 0
	for n < count {
		k, err := conn.Read(buf)
		n += bytes.Count(buf[:k], []byte("\n"))
		if err != nil {
			return err
		}
	}
	fmt.Println(n)
	_, err = io.Copy(io.Discard, conn)
	return err
}
