package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"time"
)

const (
	constantRate = 3000 // requests a second
	constantConn = 16   // kept alive

	latencyRounds = 3 // of one second, for each round of other measurements
)

// latency prints what each proxy adds to the median, and the 99th percentile, of
// requests that come at a constant rate: of each, the lower quartile of all rounds.
func latency(children []*child, rounds int) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	p50, p99 := map[string][]float64{}, map[string][]float64{}
	for range latencyRounds * rounds {
		for _, c := range children {
			out, err := exec.Command("taskset", "-c", otherCPUs, self, "-mode", "latency", "-listen", c.plain, "-seconds", "1").Output()
			var half, most float64
			if err == nil {
				_, err = fmt.Sscan(string(out), &half, &most)
			}
			if err != nil {
				return fmt.Errorf("latency of %s: %w", c.role, err)
			}
			p50[c.role], p99[c.role] = append(p50[c.role], half), append(p99[c.role], most)
		}
	}
	quiet := func(v []float64) float64 { slices.Sort(v); return v[len(v)/4] } // the rounds that others disturbed least
	direct := quiet(p50[""])
	fmt.Printf("router_direct_p50 %.1f us\n", direct)
	added := map[string]float64{}
	for _, c := range children {
		if c.role != "" {
			added[c.role] = quiet(p50[c.role]) - direct
			fmt.Printf("router_added_p50_%s %.1f us\nrouter_p99_%s %.1f us\n", c.role, added[c.role], c.role, quiet(p99[c.role]))
		}
	}
	fmt.Printf("router_added_p50_vs_haproxy %.3f ratio\n", added["kigo"]/added["haproxy"])
	fmt.Printf("router_added_p50_vs_nginx %.3f ratio\n", added["kigo"]/added["nginx"])
	return nil
}

// runLatency sends requests when they are due, and counts each from then on: a
// slow answer makes those behind it late as well, as it would be for people.
func runLatency(addr string, seconds int) error {
	var mu sync.Mutex
	var all []time.Duration
	var failed error
	var load sync.WaitGroup
	begin := time.Now().Add(100 * time.Millisecond)
	for i := range constantConn {
		load.Go(func() {
			took, err := constantly(addr, begin.Add(time.Duration(i)*time.Second/constantRate), constantRate*seconds/constantConn)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, took...)
			if err != nil {
				failed = err
			}
		})
	}
	load.Wait()
	if failed != nil {
		return failed
	}
	slices.Sort(all)
	_, err := fmt.Println(float64(all[len(all)/2].Nanoseconds())/1000, float64(all[len(all)*99/100].Nanoseconds())/1000)
	return err
}

func constantly(addr string, due time.Time, n int) ([]time.Duration, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	answer := make([]byte, 4096)
	var took []time.Duration
	for range n {
		time.Sleep(time.Until(due) - 300*time.Microsecond)
		for time.Now().Before(due) {
			runtime.Gosched()
		}
		if _, err := io.WriteString(c, "GET /128 HTTP/1.1\r\nHost: demo.test\r\n\r\n"); err != nil {
			return nil, err
		}
		for tail := 0; tail < 128; { // its body is 128 x
			m, err := c.Read(answer)
			if err != nil {
				return nil, err
			}
			for _, b := range answer[:m] {
				if b == 'x' {
					tail++
				} else {
					tail = 0
				}
			}
		}
		took = append(took, time.Since(due))
		due = due.Add(constantConn * time.Second / constantRate)
	}
	return took, nil
}
