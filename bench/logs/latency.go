package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/logplex"
)

// latency measures the time from a line's writing to its reading at the end of a
// log session, over HTTP, one line each two milliseconds.
func latency(ctx context.Context, dir string) error {
	const lines, app = 4000, kigo.AppID("latency")
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	hub := &logplex.Hub{Dir: filepath.Join(dir, "latency")}
	go func() { _ = hub.Run(ctx) }()
	sessions := &logplex.Sessions{Hub: hub, Key: make([]byte, 32)}
	s := httptest.NewServer(sessions)
	defer s.Close()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, sessions.NewURL(s.URL, app, logplex.Filter{Follow: true}), nil)
	if err != nil {
		return err
	}
	resp, err := s.Client().Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	go func() {
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for range lines {
			<-tick.C
			now := time.Now()
			hub.Write(app, kigo.LogLine{Time: now, Source: "app", Process: "web.1", Message: strconv.FormatInt(now.UnixNano(), 10)})
		}
	}()
	took := make([]time.Duration, 0, lines)
	for in := bufio.NewScanner(resp.Body); len(took) < lines && in.Scan(); {
		_, text, _ := strings.Cut(in.Text(), "]: ")
		written, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fmt.Errorf("read line %q: %w", in.Text(), err)
		}
		took = append(took, time.Since(time.Unix(0, written)))
	}
	slices.Sort(took)
	for _, p := range []int{50, 99} {
		fmt.Printf("logs-write-to-tail-p%d %.2f ms\n", p, float64(took[len(took)*p/100].Microseconds())/1000)
	}
	cancel()
	return nil
}

// routerLine measures what a line of the router costs on both sides of the socket
// that leads to the hub.
func routerLine(ctx context.Context, dir string) error {
	const lines, app = 1_000_000, kigo.AppID("router-line")
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	hub := &logplex.Hub{Dir: filepath.Join(dir, "router")}
	go func() { _ = hub.Run(ctx) }()
	path := filepath.Join(dir, "logplex.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	go func() { _ = logplex.Serve(ctx, l, hub) }()
	client := &logplex.Client{Path: path}
	go func() { _ = client.Run(ctx) }()
	line := []byte(`at=info method=GET path="/some/path" host=myapp.localhost request_id=6e8a5ec8-6d2e-4a27-9a2b-5a2ed0b04d3a fwd="203.0.113.7" dyno=web.1 connect=0ms service=12ms status=200 bytes=2048 protocol=http1.1`)
	before := cpu()
	for i := range lines {
		client.WriteLine(app, time.Now(), line)
		if i%5_000 == 0 { // at most so many lines wait
			for hub.End(app)+5_000 < uint64(i) && ctx.Err() == nil {
				time.Sleep(time.Millisecond)
			}
		}
	}
	for deadline := time.Now().Add(time.Minute); hub.End(app) < lines; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			return errors.New("the router's lines do not arrive")
		}
	}
	fmt.Printf("logs-router-line-cpu-per-line %.2f µs\n", float64((cpu()-before).Nanoseconds())/lines/1000)
	return nil
}

// cpu is the processor time that this process has used.
func cpu() time.Duration {
	var u unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// barePipe is the floor: a process that only counts the lines of its standard input.
func barePipe(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "/proc/self/exe", "count")
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	batch := []byte(strings.Repeat(strings.Repeat("x", lineSize-1)+"\n", 640))
	for range count / 640 {
		if _, err := in.Write(batch); err != nil {
			return err
		}
	}
	if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
		return err
	}
	used := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	fmt.Printf("logs-bare-pipe-cpu-per-line %.2f µs\n", float64(used.Nanoseconds())/count/1000)
	return nil
}

// countLines reads its standard input to the end.
func countLines() error {
	n, buf := 0, make([]byte, 64<<10)
	for {
		k, err := os.Stdin.Read(buf)
		for _, c := range buf[:k] {
			if c == '\n' {
				n++
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
