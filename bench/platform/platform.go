// Package platform starts a real Kigo server for the benchmarks, on free loopback
// ports with a data folder of its own, and ends it with its dynos.
package platform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/kigo-dev/kigo/client"
)

// Server is a running server.
type Server struct {
	Dir    string // temporary folder; the data is in it
	Data   string
	Client *client.Client
	HTTP   string            // http://127.0.0.1:PORT, where apps are served
	Env    []string          // for git and the command line
	About  map[string]string // DATA/server.json
	cmd    *exec.Cmd
}

// startLimit bounds the first start, which may have to make the stack.
const startLimit = 10 * time.Minute

// Start runs bin/kigo server from the repository's root.
func Start(ctx context.Context) (*Server, error) { return StartIn(ctx, "/var/tmp") }

// StartIn has the server's data in a new folder below home.
func StartIn(ctx context.Context, home string) (*Server, error) {
	dir, err := os.MkdirTemp(home, "kigo-bench-")
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		return nil, err
	}
	s := &Server{Dir: dir, Data: filepath.Join(dir, "data")}
	log, err := os.Create(filepath.Join(dir, "server.log"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	s.cmd = exec.CommandContext(ctx, "bin/kigo", "server", "--data", s.Data, "--api", "127.0.0.1:0", "--http", "127.0.0.1:0",
		"--https", "127.0.0.1:0", "--rendezvous", "127.0.0.1:0", "--network", "10.187.0.0/16", "--stack-size", "small",
		"--idle-after", "2s", "--stack-cache", ".cache/stacks")
	s.cmd.Cancel = func() error { return s.cmd.Process.Signal(syscall.SIGINT) }
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start bin/kigo (make build first): %w", err)
	}
	if err := s.await(ctx); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// await reads where the server is, and waits until it answers.
func (s *Server) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		if err := s.connect(ctx); err == nil {
			return nil
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return errors.New("the server does not answer; see " + filepath.Join(s.Dir, "server.log"))
		}
	}
}

func (s *Server) connect(ctx context.Context) error {
	b, err := os.ReadFile(filepath.Join(s.Data, "server.json"))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, &s.About); err != nil {
		return err
	}
	token, err := os.ReadFile(filepath.Join(s.Data, "token"))
	if err != nil {
		return err
	}
	s.HTTP = s.About["http"]
	s.Client = client.New(s.About["api"], strings.TrimSpace(string(token)))
	s.Env = append(os.Environ(), "GIT_SSL_CAINFO="+s.About["ca"], "GIT_TERMINAL_PROMPT=0")
	_, err = s.Client.Account(ctx)
	return err
}

// Remote is an app's git URL with the token in it.
func (s *Server) Remote(app string) string {
	b, _ := os.ReadFile(filepath.Join(s.Data, "token"))
	return "https://bench:" + strings.TrimSpace(string(b)) + "@" + s.About["git"] + "/" + app + ".git"
}

// Get asks an app for a path and returns the status and the body's first 4 KiB.
func (s *Server) Get(ctx context.Context, app, path string) (int, string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.HTTP+path, nil)
	if err != nil {
		return 0, ""
	}
	req.Host = app + "." + s.About["domain"]
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, ""
	}
	defer func() { _ = resp.Body.Close() }()
	b := make([]byte, 4096)
	n, _ := resp.Body.Read(b)
	return resp.StatusCode, string(b[:n])
}

// Processes are the pids of the server and what it started: not the shims.
func (s *Server) Processes() []int {
	pids := []int{s.cmd.Process.Pid}
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", s.cmd.Process.Pid))
	for _, file := range lists {
		b, _ := os.ReadFile(file)
		for _, field := range strings.Fields(string(b)) {
			if pid, err := strconv.Atoi(field); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// Memory is the resident memory of one process in bytes; pss shares what is
// shared.
func Memory(pid int) (rss, pss int64) {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		kb, _ := strconv.ParseInt(f[1], 10, 64)
		switch f[0] {
		case "Rss:":
			rss = kb << 10
		case "Pss:":
			pss = kb << 10
		}
	}
	return rss, pss
}

// Stop ends the server with its dynos and removes its folder.
func (s *Server) Stop() {
	_ = s.cmd.Process.Signal(syscall.SIGINT)
	_ = s.cmd.Wait()
	if err := os.RemoveAll(s.Dir); err != nil {
		fmt.Fprintln(os.Stderr, "remove bench folder:", err)
	}
}
