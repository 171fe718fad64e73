package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/internal/testenv"
)

// killsVariable says how many dynos TestNoAppEverAnswersForAnother ends; the whole is 1000.
const killsVariable = "KIGO_KILLS"

// TestNoAppEverAnswersForAnother ends dynos of 50 apps at random, by killing their shims,
// their processes and by restarts, so that addresses go from app to app, while all apps
// are asked. Each answers with its own name: an answer may fail, but never be another's.
func TestNoAppEverAnswersForAnother(t *testing.T) {
	testenv.NeedsRoot(t)
	t.Parallel()
	kills, apps := 320, 50
	if n, err := strconv.Atoi(os.Getenv(killsVariable)); err == nil {
		kills = n
	}
	s := startServer(t, setup{args: []string{"--network", "10.213.44.0/24", "--idle-after", "0"}}) // few addresses
	names := make([]string, apps)
	for i := range names {
		names[i] = fmt.Sprintf("own-%d", i)
		s.deploy(t, names[i], map[string]string{"web": "bin/testapp web"}, map[string]string{"GREETING": names[i]})
	}
	for _, app := range names {
		s.steady(t, app, "web.1")
	}
	ctx, cancel := context.WithCancel(t.Context())
	var tally tally
	var askers sync.WaitGroup
	for range 8 {
		askers.Go(func() { s.askAll(ctx, names, &tally) })
	}
	used := map[string]map[string]bool{} // apps by address
	for n := range kills {
		app := names[rand.IntN(apps)]
		if err := s.endDyno(t, app, n); err != nil {
			t.Log(err)
		}
		if n%10 == 9 {
			s.noteAddresses(used)
		}
	}
	for _, app := range names {
		eventually(t, app+" to answer", func() error {
			_, err := s.visit(visitor(), app, "/quiet")
			return err
		})
	}
	cancel()
	askers.Wait()
	shared := 0
	for _, by := range used {
		if len(by) > 1 {
			shared++
		}
	}
	t.Logf("%d kills and restarts, %d answers, %d of them wrong, %d without an answer, %d addresses of several apps",
		kills, tally.right.Load(), tally.wrong.Load(), tally.none.Load(), shared)
	if why := tally.first.Load(); why != nil {
		t.Errorf("%d answers were another app's, the first: %s", tally.wrong.Load(), *why)
	}
	if tally.right.Load() < int64(kills) || shared == 0 {
		t.Errorf("%d right answers and %d shared addresses: too few to say anything", tally.right.Load(), shared)
	}
}

type tally struct {
	right, wrong, none atomic.Int64
	first              atomic.Pointer[string]
}

// askAll asks random apps for their names until ctx is done.
func (s *server) askAll(ctx context.Context, names []string, sum *tally) {
	for c := (&http.Client{Timeout: 10 * time.Second}); ctx.Err() == nil; breathe(ctx) {
		app := names[rand.IntN(len(names))]
		body, err := s.visit(c, app, "/")
		switch {
		case err != nil:
			sum.none.Add(1)
		case strings.Contains(body, "greeting="+app+" "):
			sum.right.Add(1)
		default:
			sum.wrong.Add(1)
			text := fmt.Sprintf("%s says %q", app, body)
			sum.first.CompareAndSwap(nil, &text)
		}
	}
}

// endDyno ends the app's dyno in one of three ways.
func (s *server) endDyno(t *testing.T, app string, n int) error {
	c := s.client(t)
	if n%3 == 0 {
		return c.RestartDynos(t.Context(), app)
	}
	dynos, err := c.Dynos(t.Context(), app)
	if err != nil {
		return err
	}
	for _, d := range dynos {
		for _, k := range s.shims() {
			if k.dyno != d.ID {
				continue
			}
			if n%3 == 1 {
				return syscall.Kill(k.pid, syscall.SIGKILL)
			}
			return s.killProcess(t, c, app, k.pid)
		}
	}
	return nil
}

// killProcess kills the process that a shim keeps, which counts as a crash: a second
// one would wait for ten minutes, so the dyno is restarted as well.
func (s *server) killProcess(t *testing.T, c *client.Client, app string, shim int) error {
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", shim, shim))
	if err != nil {
		return err
	}
	for _, child := range strings.Fields(string(children)) {
		pid, _ := strconv.Atoi(child)
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			return err
		}
	}
	return c.RestartDynos(t.Context(), app)
}

// noteAddresses remembers which apps have which address now.
func (s *server) noteAddresses(used map[string]map[string]bool) {
	for _, k := range s.shims() {
		var record struct {
			Launch  struct{ App string }
			Address string
		}
		if readJSON(k.folder+"/launch.json", &record) != nil {
			continue
		}
		if used[record.Address] == nil {
			used[record.Address] = map[string]bool{}
		}
		used[record.Address][record.Launch.App] = true
	}
}
