package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/kigo-dev/kigo/bench/platform"
	"github.com/kigo-dev/kigo/client"
)

// badly are the ways in which a neighbour misbehaves, as process types of its app.
var badly = []string{"cpu", "memory", "forks", "files", "inodes", "disk", "flood", "logs", "connections"}

const (
	victim, neighbour = "bench-victim", "bench-neighbour"
	askEvery          = 5 * time.Millisecond
	askFor            = 4 * time.Second
)

// neighbours measures how long requests to one app take while a dyno of another
// misbehaves, against the same just before and after, when it does not.
func neighbours(ctx context.Context, s *platform.Server) error {
	procfile := "web: bench\n"
	for _, kind := range badly {
		procfile += kind + ": bench " + kind + "\n"
	}
	for _, name := range []string{victim, neighbour} {
		if err := deploy(ctx, s, name, procfile); err != nil {
			return err
		}
	}
	for _, kind := range badly {
		if err := against(ctx, s, kind); err != nil {
			return fmt.Errorf("neighbour %s: %w", kind, err)
		}
	}
	return nil
}

func against(ctx context.Context, s *platform.Server, kind string) error {
	calm, err := ask(ctx, s, askFor)
	if err != nil {
		return err
	}
	stop, err := misbehave(ctx, s, kind)
	if err != nil {
		return err
	}
	time.Sleep(time.Second) // so that it is at its worst
	bad, err := ask(ctx, s, askFor)
	if stopped := stop(); err == nil {
		err = stopped
	}
	if err != nil {
		return err
	}
	after, err := ask(ctx, s, askFor)
	if err != nil {
		return err
	}
	calm = append(calm, after...)
	fmt.Printf("victim_p99_ms_%s %.2f ms\n", kind, p99(bad))
	fmt.Printf("victim_p99_ms_without_%s %.2f ms\n", kind, p99(calm))
	fmt.Printf("victim_p99_ratio_%s %.2f ratio\n", kind, p99(bad)/p99(calm))
	return nil
}

// misbehave has the neighbour misbehave until the function that it returns is called.
func misbehave(ctx context.Context, s *platform.Server, kind string) (stop func() error, err error) {
	if kind == "connections" {
		return connections(s), nil
	}
	set := func(n int) error {
		_, err := s.Client.Scale(ctx, neighbour, []client.FormationChange{{Type: kind, Quantity: &n}})
		if err == nil && n == 0 {
			_, err = waitFor(ctx, s, neighbour, 1)
		}
		return err
	}
	return func() error { return set(0) }, set(1)
}

// connections opens connections to the neighbour's web dyno, from outside, as fast as
// 64 clients can.
func connections(s *platform.Server) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for ctx.Err() == nil {
				_, _, _ = request(ctx, s, neighbour, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}})
			}
		})
	}
	return func() error { cancel(); wg.Wait(); return nil }
}

// ask sends requests at a steady rate, whether or not they are answered, and
// returns how long each took, in milliseconds. One that fails counts as the longest.
func ask(ctx context.Context, s *platform.Server, d time.Duration) ([]float64, error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	var all []float64
	failed, last := 0, ""
	browser := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}, Timeout: 10 * time.Second}
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for end := time.Now().Add(d); time.Now().Before(end); <-tick.C {
		wg.Go(func() {
			took, status, err := request(ctx, s, victim, browser)
			mu.Lock()
			defer mu.Unlock()
			if err != nil || status != http.StatusOK {
				failed, last = failed+1, fmt.Sprint(status, " ", err)
				took = 10 * time.Second
			}
			all = append(all, float64(took.Microseconds())/1000)
		})
	}
	wg.Wait()
	if failed > 0 {
		fmt.Fprintf(os.Stderr, "dynos: %d of %d requests failed, the last: %s\n", failed, len(all), last)
	}
	if failed == len(all) {
		return nil, fmt.Errorf("no request of %d was answered: %s", len(all), last)
	}
	return all, nil
}

func request(ctx context.Context, s *platform.Server, app string, c *http.Client) (time.Duration, int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.HTTP+"/", nil)
	if err != nil {
		return 0, 0, err
	}
	r.Host = app + "." + s.About["domain"]
	began := time.Now()
	resp, err := c.Do(r)
	if err != nil {
		return 0, 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return time.Since(began), resp.StatusCode, err
}

func p99(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)*99/100]
}

// stops measures one dyno from the command that stops it until it is gone.
func stops(ctx context.Context, s *platform.Server, rounds int) error {
	var all []float64
	for range rounds {
		if err := scale(ctx, s, map[string]int{"web": 1, "worker": 0}); err != nil {
			return err
		}
		if _, err := wait(ctx, s, 1); err != nil {
			return err
		}
		began := time.Now()
		if err := scale(ctx, s, map[string]int{"web": 0}); err != nil {
			return err
		}
		if _, err := wait(ctx, s, 0); err != nil {
			return err
		}
		all = append(all, float64(time.Since(began).Microseconds())/1000)
	}
	slices.Sort(all)
	fmt.Printf("stop_to_gone_ms %.1f ms\n", all[len(all)/2])
	return nil
}
