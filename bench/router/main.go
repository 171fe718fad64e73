// Command router measures Kigo's router against nginx, haproxy, caddy and h2o, side by side in
// one run: all look up the host, set the forwarded headers and a request id and write one
// access line per request, each on one CPU. It prints lines "figure value unit".
//
// What counts is the CPU time of the proxy per request, from /proc/PID/stat,
// divided by what nginx needed in the same minute; requests per second are
// printed as seen. It needs them, wrk and h2load from Debian,
// which bench/run installs.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"time"
)

func main() {
	mode := flag.String("mode", "bench", "bench, backend, latency or router (all but the first are its own children)")
	listen := flag.String("listen", "", "address of a child")
	backend := flag.String("backend", "", "address that the router child forwards to")
	logs := flag.String("logs", "", "access log of the router child")
	seconds := flag.Int("seconds", 3, "length of each measurement")
	rounds := flag.Int("rounds", 5, "measurements of each proxy, interleaved")
	only := flag.String("only", "", "one scenario")
	profile := flag.String("profile", "", "CPU profile of the router child")
	flag.Parse()
	var err error
	switch *mode {
	case "backend":
		err = runBackend(*listen)
	case "latency":
		err = runLatency(*listen, *seconds)
	case "router":
		err = runRouter(*listen, *backend, *logs, *profile)
	default:
		err = bench(*seconds, *rounds, *only, *profile)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench router:", err)
		os.Exit(1)
	}
}

// roles are the proxies, the two that are compared first.
var roles = []string{"kigo", "nginx", "haproxy", "caddy", "h2o"}

var verbose = flag.Bool("v", false, "tell which requests of the corpus were taken wrongly")

// scenario is one kind of load by wrk, or by h2load.
type scenario struct {
	name   string
	conns  int
	path   string
	script string // for wrk
	scheme string // "https" or "h2"; empty: plain
}

var scenarios = []scenario{
	{name: "keepalive", conns: 64, path: "/128"},
	{name: "keepalive512", conns: 512, path: "/128"},
	{name: "close", conns: 64, path: "/128", script: "wrk.headers['Connection'] = 'close'\n"},
	{name: "post100k", conns: 64, path: "/128", script: "wrk.method = 'POST'\nwrk.body = string.rep('x', 102400)\n"},
	{name: "chunked1mib", conns: 16, path: "/chunked"},
	{name: "length1mib", conns: 16, path: "/large"},
	{name: "tls", conns: 64, path: "/128", scheme: "https"},
	{name: "h2", conns: 64, path: "/128", scheme: "h2"},
}

func bench(seconds, rounds int, only, profile string) error {
	moreFiles()
	for _, part := range []struct {
		name    string
		backend bool
		run     func(children []*child) error
	}{{"corpus", false, corpus}, {"websocket", true, webSocket}, {"idle", true, idle}} { // each with fresh processes
		if only != "" && only != part.name {
			continue
		}
		err := withChildren("", part.backend, func(children []*child, _ string) error { return part.run(children) })
		if err != nil || only != "" {
			return err
		}
	}
	return withChildren(profile, true, func(children []*child, dir string) error { return loads(children, dir, seconds, rounds, only) })
}

// withChildren calls f while all proxies run, and what is behind them if backend says so.
func withChildren(profile string, backend bool, f func(children []*child, dir string) error) error {
	dir, err := os.MkdirTemp("", "kigo-bench-router-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	children, err := startChildren(dir, profile, backend)
	defer stopAll(children)
	if err != nil {
		return err
	}
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	defer signal.Stop(interrupted)
	done := make(chan error, 1)
	go func() { done <- f(children, dir) }()
	select {
	case err = <-done:
		return err
	case <-interrupted:
		return errors.New("interrupted")
	}
}

func loads(children []*child, dir string, seconds, rounds int, only string) error {
	if only == "" || only == "latency" {
		if err := latency(children, rounds); err != nil {
			return err
		}
	}
	for _, s := range scenarios {
		if only != "" && only != s.name {
			continue
		}
		if err := measure(s, children, dir, seconds, rounds); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// measure alternates between the proxies and prints medians.
func measure(s scenario, children []*child, dir string, seconds, rounds int) error {
	results := map[string][]result{}
	for round := range rounds {
		for _, c := range children {
			if c.role == "" || s.scheme != "" && c.tls == "" {
				continue
			}
			length := time.Duration(seconds) * time.Second
			if round == 0 { // to warm up
				if _, err := load(s, c, dir, time.Second); err != nil {
					return err
				}
			}
			r, err := load(s, c, dir, length)
			if err != nil {
				return err
			}
			results[c.role] = append(results[c.role], r)
		}
	}
	cpu := func(role string) float64 {
		return median(results[role], func(r result) float64 { return r.cpu.Seconds() * 1e6 / float64(r.requests) })
	}
	for _, role := range roles {
		if results[role] == nil {
			continue
		}
		fmt.Printf("router_%s_%s_cpu %.2f us/request\n", s.name, role, cpu(role))
		fmt.Printf("router_%s_%s_rate %.0f requests/s\n", s.name, role, median(results[role], func(r result) float64 { return r.rate }))
	}
	fmt.Printf("router_cpu_vs_nginx_%s %.3f ratio\n", s.name, cpu("kigo")/cpu("nginx"))
	for _, role := range roles[2:] {
		if results[role] != nil {
			fmt.Printf("router_%s_cpu_vs_nginx_%s %.3f ratio\n", role, s.name, cpu(role)/cpu("nginx"))
		}
	}
	return nil
}

func median(rs []result, f func(result) float64) float64 {
	vs := make([]float64, len(rs))
	for i, r := range rs {
		vs[i] = f(r)
	}
	slices.Sort(vs)
	return vs[len(vs)/2]
}

func must(path string) (string, error) {
	found, err := exec.LookPath(path)
	if err != nil {
		if _, err = os.Stat(filepath.Join("/usr/sbin", path)); err == nil {
			return filepath.Join("/usr/sbin", path), nil
		}
		return "", fmt.Errorf("%s is missing: apt-get install nginx-light haproxy caddy h2o wrk nghttp2-client", path)
	}
	return found, nil
}
