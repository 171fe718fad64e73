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

var (
	h2Done = regexp.MustCompile(`, (\d+) succeeded, (\d+) failed`)
	h2Rate = regexp.MustCompile(`finished in [^,]*, ([\d.]+) req/s`)
)

// loadHTTP2 runs h2load for d, one stream at a time on each connection.
func loadHTTP2(s scenario, c *child, d time.Duration) ([]byte, error) {
	h2load, err := must("h2load")
	if err != nil {
		return nil, err
	}
	return exec.Command("taskset", "-c", otherCPUs, h2load, "-t2", "-c", strconv.Itoa(s.conns), "-m1", "-D", strconv.Itoa(int(d.Seconds())),
		"--connect-to="+c.tls, "https://demo.test"+s.path).CombinedOutput()
}

func loadHTTP1(s scenario, c *child, dir string, d time.Duration) ([]byte, error) {
	wrk, err := must("wrk")
	if err != nil {
		return nil, err
	}
	script := filepath.Join(dir, s.name+".lua")
	if err := os.WriteFile(script, []byte(s.script), 0o600); err != nil {
		return nil, err
	}
	url := "http://" + c.plain + s.path
	if s.scheme == "https" {
		url = "https://" + c.tls + s.path
	}
	return exec.Command("taskset", "-c", otherCPUs, wrk, "-t2", "-c", strconv.Itoa(s.conns), "-d", fmt.Sprint(d), "-s", script, "-H", "Host: demo.test", url).CombinedOutput()
}

// load loads a proxy for d and sees what it used meanwhile.
func load(s scenario, c *child, dir string, d time.Duration) (result, error) {
	before, err := cpuTime(c.pid)
	if err != nil {
		return result{}, err
	}
	var out []byte
	done, rate := doneLine, rateLine
	if s.scheme == "h2" {
		done, rate = h2Done, h2Rate
		out, err = loadHTTP2(s, c, d)
	} else {
		out, err = loadHTTP1(s, c, dir, d)
	}
	if err != nil {
		return result{}, fmt.Errorf("load: %w\n%s", err, out)
	}
	after, err := cpuTime(c.pid)
	if err != nil {
		return result{}, err
	}
	requests, perSecond := done.FindSubmatch(out), rate.FindSubmatch(out)
	if requests == nil || perSecond == nil {
		return result{}, fmt.Errorf("the load said\n%s", out)
	}
	if bad := errorLine.Find(out); bad != nil {
		fmt.Fprintf(os.Stderr, "%s at %s: %s\n", s.name, c.role, bad)
	}
	r := result{cpu: after - before}
	r.requests, _ = strconv.Atoi(string(requests[1]))
	r.rate, _ = strconv.ParseFloat(string(perSecond[1]), 64)
	if r.requests == 0 {
		return r, fmt.Errorf("no request was made\n%s", out)
	}
	return r, nil
}
