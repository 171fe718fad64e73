package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

// result is one measurement of one proxy.
type result struct {
	requests int
	rate     float64
	cpu      time.Duration
}

var (
	doneLine  = regexp.MustCompile(`(\d+) requests in`)
	rateLine  = regexp.MustCompile(`Requests/sec:\s+([\d.]+)`)
	errorLine = regexp.MustCompile(`(?m)^.*(Socket errors|Non-2xx).*$`)
)

// load runs wrk for d and sees what the proxy used meanwhile.
func load(s scenario, c *child, dir string, d time.Duration) (result, error) {
	wrk, err := must("wrk")
	if err != nil {
		return result{}, err
	}
	script := filepath.Join(dir, s.name+".lua")
	if err := os.WriteFile(script, []byte(s.script), 0o600); err != nil {
		return result{}, err
	}
	url := "http://" + c.plain + s.path
	if s.scheme == "https" {
		url = "https://" + c.tls + s.path
	}
	before, err := cpuTime(c.pid)
	if err != nil {
		return result{}, err
	}
	out, err := exec.Command("taskset", "-c", otherCPUs, wrk, "-t2", "-c", strconv.Itoa(s.conns), "-d", fmt.Sprint(d), "-s", script, "-H", "Host: demo.test", url).CombinedOutput()
	if err != nil {
		return result{}, fmt.Errorf("wrk: %w\n%s", err, out)
	}
	after, err := cpuTime(c.pid)
	if err != nil {
		return result{}, err
	}
	done, rate := doneLine.FindSubmatch(out), rateLine.FindSubmatch(out)
	if done == nil || rate == nil {
		return result{}, fmt.Errorf("wrk said\n%s", out)
	}
	if bad := errorLine.Find(out); bad != nil {
		fmt.Fprintf(os.Stderr, "%s at %s: %s\n", s.name, c.role, bad)
	}
	r := result{cpu: after - before}
	r.requests, _ = strconv.Atoi(string(done[1]))
	r.rate, _ = strconv.ParseFloat(string(rate[1]), 64)
	if r.requests == 0 {
		return r, fmt.Errorf("wrk made no request\n%s", out)
	}
	return r, nil
}
