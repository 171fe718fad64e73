// Command start measures how long `kigo ps` takes against `heroku ps`, in turns,
// from start to end against one server. It prints lines `figure value unit`, medians.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/kigo-dev/kigo/bench/platform"
	"github.com/kigo-dev/kigo/client"
)

const (
	app   = "bench-start"
	turns = 10
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "start:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	s, err := platform.Start(ctx)
	if err != nil {
		return err
	}
	defer s.Stop()
	if _, err := s.Client.CreateApp(ctx, client.NewApp{Name: app}); err != nil {
		return err
	}
	env := append(s.Env, "HEROKU_HOST="+s.Client.URL, "HEROKU_API_KEY="+s.Client.Token, "HEROKU_PARTICLEBOARD_URL="+s.Client.URL,
		"DISABLE_TELEMETRY=true", "HEROKU_DISABLE_AUTOUPDATE=1", "HEROKU_SKIP_NEW_VERSION_CHECK=true", "HOME="+s.Dir)
	programs := []string{"bin/kigo", ".cache/bin/heroku"}
	wall, cpu := map[string][]time.Duration{}, map[string][]time.Duration{}
	for range turns {
		for _, p := range programs {
			cmd := exec.CommandContext(ctx, p, "ps", "-a", app)
			cmd.Env = env
			began := time.Now()
			if out, err := cmd.CombinedOutput(); err != nil {
				return fmt.Errorf("%s ps: %w\n%s", p, err, out)
			}
			wall[p] = append(wall[p], time.Since(began))
			cpu[p] = append(cpu[p], cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
		}
	}
	for i, name := range []string{"kigo", "heroku"} {
		fmt.Printf("cli_ps_%s_wall %.0f ms\n", name, milliseconds(wall[programs[i]]))
		fmt.Printf("cli_ps_%s_cpu %.0f ms\n", name, milliseconds(cpu[programs[i]]))
	}
	fmt.Printf("cli_ps_cpu_vs_heroku %.3f ratio\n", milliseconds(cpu[programs[0]])/milliseconds(cpu[programs[1]]))
	return nil
}

// milliseconds is the median.
func milliseconds(all []time.Duration) float64 {
	slices.Sort(all)
	return float64(all[len(all)/2].Microseconds()) / 1000
}
