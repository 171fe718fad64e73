package dyno

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

// Config vars in which an app names paths of its web process that tell whether it
// may get requests, and whether it should be restarted. They win over the paths of its app.json,
// which may also say when and how often. They are asked with GET; any status from 200 to 399 is good.
const (
	ReadinessVar = "KIGO_READINESS_PATH"
	LivenessVar  = "KIGO_LIVENESS_PATH"
)

// How checks are made unless app.json says otherwise. Readiness is asked until the
// boot timeout is over.
const (
	readyEvery   = 250 * time.Millisecond
	aliveEvery   = 10 * time.Second
	checkTimeout = 5 * time.Second
	aliveMisses  = 3 // in a row until a dyno is restarted
)

// checksOf are an app's two checks; one without a path is not made.
func checksOf(vars kigo.ConfigVars, appJSON string) (readiness, liveness kigo.HealthCheck) {
	file, err := kigo.ParseAppJSON([]byte(appJSON))
	if err == nil && appJSON != "" {
		web := file.HealthChecks["web"]
		if web.Readiness != nil {
			readiness = *web.Readiness
		}
		if web.Liveness != nil {
			liveness = *web.Liveness
		}
	}
	readiness.Path = cmp.Or(vars[ReadinessVar], readiness.Path)
	readiness.Interval = cmp.Or(readiness.Interval, readyEvery)
	readiness.Timeout = cmp.Or(readiness.Timeout, checkTimeout)
	liveness.Path = cmp.Or(vars[LivenessVar], liveness.Path)
	liveness.Interval = cmp.Or(liveness.Interval, aliveEvery)
	liveness.Timeout = cmp.Or(liveness.Timeout, checkTimeout)
	liveness.Attempts = cmp.Or(liveness.Attempts, aliveMisses)
	return readiness, liveness
}

// checks are the web launches of this node that name paths, by launch.
type checks struct {
	mu  sync.Mutex
	all map[kigo.DynoID]*check
	wg  sync.WaitGroup
}

type check struct {
	readiness, liveness kigo.HealthCheck
	cancel              context.CancelFunc

	mu     sync.Mutex
	ready  bool
	reason string // why the launch was ended by its checks
}

func (c *check) state() (ready bool, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ready, c.reason
}

func (c *check) set(ready bool, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ready, c.reason = ready, reason
}

// checked reports whether a web launch that listens may get requests, or why its checks
// want it ended. The first call for a launch begins its checks.
func (a *Agent) checked(ctx context.Context, d kigo.Dyno, run kigo.RunStatus) (ready bool, bad string, err error) {
	if d.Type != "web" || d.OneOff {
		return true, "", nil
	}
	a.checks.mu.Lock()
	defer a.checks.mu.Unlock()
	c := a.checks.all[run.ID]
	if c == nil {
		if c, err = a.newCheck(ctx, d); err != nil {
			return false, "", err
		}
		c.ready = c.readiness.Path == "" || d.State == kigo.DynoUp // up: an earlier process of ours saw it pass
		a.checks.all[run.ID] = c
		if !c.ready || c.liveness.Path != "" {
			ctx, c.cancel = context.WithCancel(a.ctx)
			a.checks.wg.Go(func() { a.watchChecks(ctx, c, d, run) })
		}
	}
	ready, bad = c.state()
	return ready, bad, nil
}

func (a *Agent) newCheck(ctx context.Context, d kigo.Dyno) (*check, error) {
	var vars kigo.ConfigVars
	var slug kigo.Slug
	err := a.Store.View(ctx, func(tx *store.Tx) error {
		release, err := tx.Release(d.Release)
		if err != nil {
			return err
		}
		if release.Slug != "" {
			if slug, err = tx.Slug(release.Slug); err != nil {
				return err
			}
		}
		vars, err = tx.ReleaseConfig(d.Release)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read checks of %s: %w", d.Name(), err)
	}
	c := &check{}
	c.readiness, c.liveness = checksOf(vars, slug.AppJSON)
	return c, nil
}

// forgetCheck ends the checks of a launch and returns why they ended it, if they did.
func (a *Agent) forgetCheck(run kigo.DynoID) string {
	a.checks.mu.Lock()
	c := a.checks.all[run]
	delete(a.checks.all, run)
	a.checks.mu.Unlock()
	if c == nil {
		return ""
	}
	if c.cancel != nil {
		c.cancel()
	}
	_, reason := c.state()
	return reason
}

// watchChecks asks until the launch has ended.
func (a *Agent) watchChecks(ctx context.Context, c *check, d kigo.Dyno, run kigo.RunStatus) {
	address := a.address(d, run)
	if ready, _ := c.state(); !ready && !a.awaitReady(ctx, c, d, run, address) {
		return
	}
	if c.liveness.Path == "" {
		return
	}
	pause(ctx, remaining(c.liveness.Delay, run.StartedAt))
	for misses := 0; ctx.Err() == nil; pause(ctx, c.liveness.Interval) {
		err := a.ask(ctx, address, c.liveness)
		if err == nil || ctx.Err() != nil {
			misses = 0
			continue
		}
		if misses++; misses == c.liveness.Attempts {
			a.condemn(c, d, fmt.Sprintf("Liveness check %v %d times", err, misses))
			return
		}
	}
}

// awaitReady asks until the launch is ready, or ends it when it takes too long: as many
// failures as app.json says, or the boot timeout.
func (a *Agent) awaitReady(ctx context.Context, c *check, d kigo.Dyno, run kigo.RunStatus, address string) bool {
	left := remaining(kigo.BootTimeout+c.readiness.Delay, run.StartedAt)
	deadline := time.Now().Add(left) // from here on a clock that is set changes nothing
	pause(ctx, remaining(c.readiness.Delay, run.StartedAt))
	for misses := 1; ; misses++ {
		err := a.ask(ctx, address, c.readiness)
		switch {
		case ctx.Err() != nil:
			return false
		case err == nil:
			c.set(true, "")
			a.Mark(d.ID)
			return true
		case misses == c.readiness.Attempts:
			a.condemn(c, d, fmt.Sprintf("Readiness check %v %d times", err, misses))
			return false
		case c.readiness.Attempts == 0 && time.Now().After(deadline):
			a.condemn(c, d, fmt.Sprintf("Readiness check %v for %d seconds", err, int((kigo.BootTimeout+c.readiness.Delay).Seconds())))
			return false
		}
		pause(ctx, c.readiness.Interval)
	}
}

// condemn has a launch ended that its checks have found bad.
func (a *Agent) condemn(c *check, d kigo.Dyno, reason string) {
	ready, _ := c.state()
	c.set(ready, reason)
	a.say(d, "%s", reason)
	a.Mark(d.ID)
}

// endUnwell stops a launch that its checks have found bad: out of the router first, as with
// any other stop. What fails is tried again: a launch that stays would fail requests.
func (a *Agent) endUnwell(ctx context.Context, d kigo.Dyno, run kigo.RunStatus) error {
	if d.State == kigo.DynoUp {
		forgive(&d)
		d.Address = ""
		if err := a.move(ctx, &d, kigo.DynoStarting); err != nil {
			return err
		}
		if a.Settle != nil {
			a.Settle(ctx, d.ID)
		}
	}
	if err := a.Engine.Stop(ctx, run.ID); err != nil && !errors.Is(err, kigo.ErrNotFound) {
		return fmt.Errorf("stop %s, which fails its checks: %w", d.Name(), err)
	}
	a.say(d, "Stopping all processes with SIGTERM")
	return nil
}

// checkClient asks dynos; it follows nothing and keeps no connection.
var checkClient = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// ask makes one check. Its error completes a sentence that begins with the check's name.
func (a *Agent) ask(ctx context.Context, address string, check kigo.HealthCheck) error {
	path := check.Path
	ctx, cancel := context.WithTimeout(ctx, check.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/"+strings.TrimPrefix(path, "/"), nil)
	if err != nil {
		return fmt.Errorf("has no proper path %q", path)
	}
	r.Header.Set("User-Agent", "kigo-check")
	r.Header.Set("X-Forwarded-Proto", "https") // so that apps do not redirect to it
	res, err := checkClient.Do(r)
	if err != nil {
		return fmt.Errorf("GET %s was not answered", path)
	}
	_, _ = io.CopyN(io.Discard, res.Body, 64<<10)
	_ = res.Body.Close()
	if res.StatusCode < 200 || res.StatusCode >= 400 {
		return fmt.Errorf("GET %s was answered with %d", path, res.StatusCode)
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
