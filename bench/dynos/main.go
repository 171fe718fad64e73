// Command dynos measures dynos at work: how long 100 more take by one command,
// what each costs in memory, what scale-to-up takes for one and stop-to-gone, how
// quickly a sleeping app answers, what the platform itself holds with 100 idle apps,
// and what an app feels of neighbours that misbehave. It prints lines
// `figure value unit`; with the argument neighbours or wake those of that part alone.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kigo-dev/kigo/bench/platform"
	"github.com/kigo-dev/kigo/client"
)

const app = "bench-dynos"

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "dynos:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	s, err := platform.Start(ctx)
	if err != nil {
		return err
	}
	defer s.Stop()
	if len(os.Args) > 1 && os.Args[1] == "neighbours" {
		return neighbours(ctx, s)
	}
	if len(os.Args) > 1 && os.Args[1] == "wake" {
		if err := deploy(ctx, s, app, "web: bench\nworker: bench\n"); err != nil {
			return err
		}
		return wake(ctx, s, 20)
	}
	if err := idleApps(ctx, s, 100); err != nil {
		return err
	}
	if err := deploy(ctx, s, app, "web: bench\nworker: bench\n"); err != nil {
		return err
	}
	if err := single(ctx, s, 10); err != nil {
		return err
	}
	if err := hundred(ctx, s); err != nil {
		return err
	}
	if err := stops(ctx, s, 10); err != nil {
		return err
	}
	if err := wake(ctx, s, 20); err != nil {
		return err
	}
	return neighbours(ctx, s)
}

// idleApps creates apps that run nothing and reads the platform's memory.
func idleApps(ctx context.Context, s *platform.Server, n int) error {
	for i := range n {
		if _, err := s.Client.CreateApp(ctx, client.NewApp{Name: fmt.Sprintf("idle-%d", i)}); err != nil {
			return err
		}
	}
	time.Sleep(5 * time.Second) // let the loops settle
	var rss, pss int64
	for _, pid := range s.Processes() {
		r, p := platform.Memory(pid)
		rss, pss = rss+r, pss+p
	}
	fmt.Printf("platform_rss_%d_idle_apps %.1f MiB\n", n, mib(rss))
	fmt.Printf("platform_pss_%d_idle_apps %.1f MiB\n", n, mib(pss))
	return nil
}

// deploy pushes an app whose processes are one small static binary.
func deploy(ctx context.Context, s *platform.Server, app, procfile string) error {
	if _, err := s.Client.CreateApp(ctx, client.NewApp{Name: app}); err != nil {
		return err
	}
	repo := filepath.Join(s.Dir, "repo-"+app)
	if err := os.MkdirAll(repo, 0o755); err != nil {
		return err
	}
	for name, text := range map[string]string{
		"go.mod": "module example.com/bench\n\ngo 1.26\n", "Procfile": procfile, "main.go": program,
	} {
		if err := os.WriteFile(filepath.Join(repo, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	for _, args := range [][]string{
		{"init", "-q", "-b", "main"}, {"add", "."},
		{"-c", "user.name=bench", "-c", "user.email=bench@example.com", "commit", "-qm", "bench"},
		{"push", "-q", s.Remote(app), "main"},
	} {
		cmd := exec.CommandContext(ctx, "git", args...)
		cmd.Dir, cmd.Env = repo, s.Env
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("git %s: %w: %s", args[0], err, out)
		}
	}
	_, err := waitFor(ctx, s, app, 1)
	return err
}

// single measures one dyno from the scale command to its state up.
func single(ctx context.Context, s *platform.Server, rounds int) error {
	var all []time.Duration
	for range rounds {
		if err := scale(ctx, s, map[string]int{"web": 0, "worker": 0}); err != nil {
			return err
		}
		if _, err := wait(ctx, s, 0); err != nil {
			return err
		}
		began := time.Now()
		if err := scale(ctx, s, map[string]int{"web": 1}); err != nil {
			return err
		}
		if _, err := wait(ctx, s, 1); err != nil {
			return err
		}
		all = append(all, time.Since(began))
	}
	slices.Sort(all)
	fmt.Printf("scale_command_to_up_ms %.1f ms\n", float64(all[len(all)/2].Microseconds())/1000)
	return nil
}

// hundred measures 2 → 102 dynos by one command.
func hundred(ctx context.Context, s *platform.Server) error {
	if err := scale(ctx, s, map[string]int{"web": 1, "worker": 1}); err != nil {
		return err
	}
	if _, err := wait(ctx, s, 2); err != nil {
		return err
	}
	before := available()
	began := time.Now()
	if err := scale(ctx, s, map[string]int{"web": 101}); err != nil {
		return err
	}
	accepted := time.Since(began)
	if _, err := wait(ctx, s, 102); err != nil {
		return err
	}
	fmt.Printf("scale_2_to_102_accepted_s %.2f s\n", accepted.Seconds())
	fmt.Printf("scale_2_to_102_s %.2f s\n", time.Since(began).Seconds())
	time.Sleep(2 * time.Second)
	shim, init, process, err := perDyno(s)
	if err != nil {
		return err
	}
	fmt.Printf("shim_mib_per_dyno %.2f MiB\n", shim)
	fmt.Printf("init_mib_per_dyno %.2f MiB\n", init)
	fmt.Printf("platform_mib_per_dyno %.2f MiB\n", shim+init)
	fmt.Printf("process_mib_per_dyno %.2f MiB\n", process)
	fmt.Printf("machine_mib_per_dyno %.2f MiB\n", mib(before-available())/100)
	began = time.Now()
	if err := scale(ctx, s, map[string]int{"web": 1}); err != nil {
		return err
	}
	if _, err := wait(ctx, s, 2); err != nil {
		return err
	}
	fmt.Printf("scale_102_to_2_gone_s %.2f s\n", time.Since(began).Seconds())
	return nil
}

func scale(ctx context.Context, s *platform.Server, want map[string]int) error {
	var changes []client.FormationChange
	for typ, n := range want {
		changes = append(changes, client.FormationChange{Type: typ, Quantity: &n})
	}
	_, err := s.Client.Scale(ctx, app, changes)
	return err
}

// wait polls until exactly n dynos exist and are up. It asks seldom enough to
// stay below the API's rate limit.
func wait(ctx context.Context, s *platform.Server, n int) (up int, err error) {
	return waitFor(ctx, s, app, n)
}

func waitFor(ctx context.Context, s *platform.Server, app string, n int) (up int, err error) {
	pause := 5 * time.Millisecond
	if n > 1 {
		pause = 50 * time.Millisecond
	}
	var others []string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(pause) {
		dynos, err := s.Client.Dynos(ctx, app)
		if err != nil {
			return 0, err
		}
		up, others = 0, nil
		for _, d := range dynos {
			if d.State == "up" {
				up++
			} else {
				others = append(others, d.Name+" "+d.State)
			}
		}
		if up == n && len(dynos) == n {
			return up, nil
		}
	}
	return up, fmt.Errorf("%d dynos are up, want %d; not up: %v", up, n, others)
}

// available is the machine's MemAvailable in bytes.
func available() int64 {
	b, _ := os.ReadFile("/proc/meminfo")
	for line := range strings.Lines(string(b)) {
		var kb int64
		if n, _ := fmt.Sscanf(line, "MemAvailable: %d kB", &kb); n == 1 {
			return kb << 10
		}
	}
	return 0
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }
