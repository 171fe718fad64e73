// Command builds measures builds: pushes of a Go app and of a Node app with 500
// packages, cold and warm, with the platform's share of each; ten pushes at once;
// and how a slug of 100,000 files is packed and mounted, against tar and gzip. It
// prints lines `figure value unit`.
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/kigo-dev/kigo/bench/platform"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/slug"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == slug.Verb {
		os.Exit(slug.PackMain(os.Args[2:]))
	}
	files := flag.Int("files", 100_000, "files of the slug that is packed")
	packages := flag.Int("packages", 500, "packages of the Node app")
	only := flag.String("only", "", "packing or pushing; both without it")
	flag.Parse()
	ctx := context.Background()
	if err := measure(ctx, *only, *files, *packages); err != nil {
		fmt.Fprintln(os.Stderr, "builds:", err)
		os.Exit(1)
	}
}

// measure does both on a disk of their own.
func measure(ctx context.Context, only string, files, packages int) error {
	disk, free, err := platform.Disk()
	if err != nil {
		return err
	}
	defer free()
	if only != "pushing" {
		if err := packing(ctx, disk, files); err != nil {
			return err
		}
	}
	if only != "packing" {
		return pushing(ctx, disk, packages)
	}
	return nil
}

func pushing(ctx context.Context, disk string, packages int) error {
	s, err := platform.StartIn(ctx, disk)
	if err != nil {
		return err
	}
	defer s.Stop()
	for _, language := range []struct {
		name  string
		files map[string]string
	}{{"go", goApp("one")}, {"node", nodeApp(packages)}} {
		a, err := newApp(ctx, s, "bench-"+language.name, language.files)
		if err != nil {
			return err
		}
		for _, which := range []string{"cold", "warm"} {
			took, err := a.push()
			if err != nil {
				return err
			}
			fmt.Printf("%s_push_%s %.2f s\n", language.name, which, took.total.Seconds())
			fmt.Printf("%s_push_%s_platform %.2f s\n", language.name, which, (took.total - took.compile()).Seconds())
			for _, ph := range took.phases {
				fmt.Printf("%s_push_%s_%s %.2f s\n", language.name, which, ph.name, ph.took.Seconds())
			}
		}
	}
	return together(ctx, s)
}

// together pushes ten apps at once.
func together(ctx context.Context, s *platform.Server) error {
	const apps = 10
	var all []*app
	for n := range apps {
		a, err := newApp(ctx, s, fmt.Sprintf("bench-at-once-%d", n), goApp(fmt.Sprint(n)))
		if err != nil {
			return err
		}
		all = append(all, a)
	}
	var wg sync.WaitGroup
	errs, took := make([]error, apps), make([]push, apps)
	began := time.Now()
	for n, a := range all {
		wg.Go(func() { took[n], errs[n] = a.push() })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	fmt.Printf("ten_pushes_at_once %.2f s\n", time.Since(began).Seconds())
	return nil
}

// app is a repository with an app of the server.
type app struct {
	server *platform.Server
	name   string
	repo   string
	pushes int
}

func newApp(ctx context.Context, s *platform.Server, name string, files map[string]string) (*app, error) {
	if _, err := s.Client.CreateApp(ctx, client.NewApp{Name: name}); err != nil {
		return nil, err
	}
	a := &app{server: s, name: name, repo: filepath.Join(s.Dir, name)}
	for file, text := range files {
		at := filepath.Join(a.repo, file)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	return a, a.git("init", "-q", "-b", "main")
}

func (a *app) git(args ...string) error {
	cmd := exec.Command("git", append([]string{"-c", "user.name=bench", "-c", "user.email=bench@example.com"}, args...)...)
	cmd.Dir, cmd.Env = a.repo, a.server.Env
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("git %s: %w: %s", args[0], err, out)
	}
	return nil
}

// push is how long one took, phase by phase.
type push struct {
	total  time.Duration
	phases []phase
}

type phase struct {
	name string
	took time.Duration
}

// compile is the app's own share: what its buildpack did.
func (p push) compile() time.Duration {
	for _, ph := range p.phases {
		if ph.name == "compile" {
			return ph.took
		}
	}
	return 0
}

// begins are the lines with which a phase begins; the first one begins with the push.
var begins = []struct{ line, phase string }{
	{"Building on the", "prepare"}, {"app detected", "compile"}, {"Discovering process types", "finish"},
	{"Compressing...", "pack"}, {"Launching...", "release"}, {"Verifying deploy", "save"},
}

func (a *app) push() (p push, err error) {
	a.pushes++
	if err := os.WriteFile(filepath.Join(a.repo, "VERSION"), fmt.Appendln(nil, a.pushes), 0o644); err != nil {
		return p, err
	}
	for _, args := range [][]string{{"add", "-A"}, {"commit", "-qm", "change"}} {
		if err := a.git(args...); err != nil {
			return p, err
		}
	}
	began := time.Now()
	cmd := exec.Command("git", "push", a.server.Remote(a.name), "main")
	cmd.Dir, cmd.Env = a.repo, a.server.Env
	out, err := cmd.StderrPipe()
	if err != nil {
		return p, err
	}
	if err := cmd.Start(); err != nil {
		return p, err
	}
	var said strings.Builder
	next, since := "receive", began
	turn := func(to string) {
		p.phases = append(p.phases, phase{next, time.Since(since)})
		next, since = to, time.Now()
	}
	at := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		fmt.Fprintln(&said, lines.Text())
		if at < len(begins) && strings.Contains(lines.Text(), begins[at].line) {
			turn(begins[at].phase)
			at++
		}
	}
	turn("")
	if err := cmd.Wait(); err != nil {
		return p, fmt.Errorf("git push: %w\n%s", err, said.String())
	}
	p.total = time.Since(began)
	return p, nil
}
