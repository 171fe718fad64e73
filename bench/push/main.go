// Command push measures a push of a Go app, from `git push` to the first answer
// of the new code, phase by phase. It prints lines `figure value unit`, medians
// over the warm pushes. What the buildpack's compile takes is the app's own; the
// rest is the platform's share.
package main

import (
	"bufio"
	"context"
	"flag"
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

const app = "bench-push"

func main() {
	pushes := flag.Int("n", 5, "warm pushes")
	flag.Parse()
	if err := run(context.Background(), *pushes); err != nil {
		fmt.Fprintln(os.Stderr, "push:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, pushes int) error {
	s, err := platform.Start(ctx)
	if err != nil {
		return err
	}
	defer s.Stop()
	if _, err := s.Client.CreateApp(ctx, client.NewApp{Name: app}); err != nil {
		return err
	}
	repo := filepath.Join(s.Dir, "repo")
	if err := os.MkdirAll(repo, 0o755); err != nil {
		return err
	}
	if err := git(s, repo, "init", "-q", "-b", "main"); err != nil {
		return err
	}
	cold, err := push(ctx, s, repo, 0)
	if err != nil {
		return err
	}
	fmt.Printf("push_cold_total %.2f s\n", cold["total"].Seconds())
	var warm []phases
	for n := range pushes {
		p, err := push(ctx, s, repo, n+1)
		if err != nil {
			return err
		}
		warm = append(warm, p)
	}
	for _, name := range []string{"receive", "prepare", "compile", "pack", "release", "boot", "total", "platform"} {
		var all []time.Duration
		for _, p := range warm {
			all = append(all, p[name])
		}
		slices.Sort(all)
		fmt.Printf("push_warm_%s %.3f s\n", name, all[len(all)/2].Seconds())
	}
	return nil
}

// phases are the durations of one push.
type phases map[string]time.Duration

// marks are where a phase ends, by what git shows then.
var marks = []struct{ phase, text string }{
	{"receive", "Building source:"},
	{"prepare", "app detected"},
	{"compile", "Discovering process types"},
	{"pack", "Launching..."},
	{"release", "Released v"},
}

// push commits a change of the app, pushes it and waits for its first answer.
func push(ctx context.Context, s *platform.Server, repo string, n int) (phases, error) {
	marker := fmt.Sprintf("version %d", n)
	files := map[string]string{
		"go.mod": "module example.com/bench\n\ngo 1.26\n", "Procfile": "web: bench\n", "main.go": fmt.Sprintf(program, marker),
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(repo, name), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	if err := git(s, repo, "add", "."); err != nil {
		return nil, err
	}
	if err := git(s, repo, "-c", "user.name=bench", "-c", "user.email=bench@example.com", "commit", "-qm", marker); err != nil {
		return nil, err
	}
	began := time.Now()
	p, last, err := watch(s, repo, began)
	if err != nil {
		return nil, err
	}
	for {
		if status, body := s.Get(ctx, app, "/"); status == 200 && strings.Contains(body, marker) {
			break
		}
		if time.Since(began) > 3*time.Minute {
			return nil, fmt.Errorf("%s was never served", marker)
		}
		time.Sleep(5 * time.Millisecond)
	}
	now := time.Now()
	p["boot"], p["total"] = now.Sub(last), now.Sub(began)
	p["platform"] = p["total"] - p["compile"]
	return p, nil
}

// watch runs git push and notes when each phase ends.
func watch(s *platform.Server, repo string, began time.Time) (p phases, last time.Time, err error) {
	p, last = phases{}, began
	cmd := exec.Command("git", "push", s.Remote(app), "main")
	cmd.Dir, cmd.Env = repo, s.Env
	out, err := cmd.StderrPipe()
	if err != nil {
		return nil, last, err
	}
	if err := cmd.Start(); err != nil {
		return nil, last, err
	}
	var shown strings.Builder
	left := marks
	for scan := bufio.NewScanner(out); scan.Scan(); {
		fmt.Fprintln(&shown, scan.Text())
		if len(left) > 0 && strings.Contains(scan.Text(), left[0].text) {
			now := time.Now()
			p[left[0].phase], last = now.Sub(last), now
			left = left[1:]
		}
	}
	if err := cmd.Wait(); err != nil || len(left) > 0 {
		return nil, last, fmt.Errorf("git push: %w, waiting for %v:\n%s", err, left, shown.String())
	}
	return p, last, nil
}

func git(s *platform.Server, repo string, args ...string) error {
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = repo, s.Env
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("git %s: %w: %s", args[0], err, out)
	}
	return nil
}

const program = `package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, %q) })
	if err := http.ListenAndServe(":"+os.Getenv("PORT"), nil); err != nil {
		panic(err)
	}
}
`
