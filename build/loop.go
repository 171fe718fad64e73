// Package build turns sources into slugs: it is the loop over pending builds and
// the host's side of each one.
//
// It owns the folders builds, cache and toolchains of the data folder, and is the
// only writer of a build's output. It promises that an app has one build at a
// time, that a build ends within its limit, that the cache is kept only from a
// build that succeeded, that nothing of a build stays behind on the machine, and
// that whatever happened is told in the output, with whose fault it was. What
// the app's own code may do happens in a sandbox (package buildpack/run inside of
// it). Start reading at Loop.Reconcile, then attempt.go, the list of steps.
package build

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/blob"
	"github.com/kigo-dev/kigo/output"
	"github.com/kigo-dev/kigo/reconcile"
	"github.com/kigo-dev/kigo/slug"
	"github.com/kigo-dev/kigo/store"
)

// Engine is what a build needs of the engine that runs dynos.
type Engine interface {
	Start(ctx context.Context, l kigo.Launch) error
	Kill(ctx context.Context, id kigo.DynoID) error
	Status(ctx context.Context, id kigo.DynoID) (kigo.RunStatus, error)
	List(ctx context.Context) ([]kigo.RunStatus, error)
	Remove(ctx context.Context, id kigo.DynoID) error
	Logs(ctx context.Context, id kigo.DynoID, after uint64, f func(kigo.OutputLine)) error
}

// Control is told the end of each build.
type Control interface {
	CompleteBuildWith(ctx context.Context, build kigo.BuildID, made kigo.Made) (kigo.Release, error)
	FailBuild(ctx context.Context, build kigo.BuildID, why string) error
}

// Config is what a Loop works with. Fields without a comment are needed.
type Config struct {
	Dir     string // the data folder
	Store   *store.Store
	Control Control
	Engine  Engine
	Slugs   *slug.Store
	Blobs   *blob.Store
	Output  *output.Store
	Stack   func(name string) (kigo.Image, error) // the build variant of a stack
	URL     func(kigo.App) string                 // where an app is served, with a slash at its end
	Log     *slog.Logger

	EmptyDisk func(size int64) (file string, err error) // an empty ext4 file system, to copy

	Slots     int           // builds at once; default 2
	Limit     time.Duration // of one build; default 15 minutes, as Heroku
	Memory    int64         // bytes; default 2.5 GiB
	Scratch   int64         // bytes of /app and /tmp, and of the app with its cache; default 8 GiB
	SlugLimit int64         // compressed bytes; default kigo.SlugHardLimit
	Program   string        // folder that holds kigo-buildpack; default the embedded one
	Host      *Environment  // default HostEnvironment
	CacheSize int64         // bytes of an app's cache, above which it begins anew; default 4 GiB
	Available func() int64  // bytes of memory that are available; default the machine's

	Images Images // what builds of Dockerfiles need; nil: there are none

	Buildpacks string   // folder, or https URL, of the operator's own buildpacks; optional
	Allowed    []string // patterns of the buildpacks that apps may ask for; empty: all
}

// Loop works on pending builds.
type Loop struct {
	Config
	loop        reconcile.Loop
	toolchains  *toolchains
	idle        chan kigo.Image // the stack of a build that has ended: time for what nobody waits for
	interrupted map[string]int  // builds that an earlier process did not end, with how often; written before the loop starts

	mu      sync.Mutex
	running int // builds under way, and looks into sources
	waits   map[kigo.AppID]*waiting
}

// New returns a loop. Its folders are made, and a missing program is told at the
// first build: a server without it can still do everything else.
func New(c Config) (*Loop, error) {
	if c.Slots <= 0 {
		c.Slots = 2
	}
	if c.Limit <= 0 {
		c.Limit = 15 * time.Minute
	}
	if c.Memory <= 0 {
		c.Memory = 2560 << 20
	}
	if c.Scratch <= 0 {
		c.Scratch = 8 << 30
	}
	if c.CacheSize <= 0 {
		c.CacheSize = 4 << 30
	}
	if c.Available == nil {
		c.Available = availableMemory
	}
	if c.Host == nil {
		host := HostEnvironment()
		c.Host = &host
	}
	l := &Loop{Config: c, interrupted: map[string]int{}, waits: map[kigo.AppID]*waiting{}}
	for _, name := range []string{"builds", "cache", "toolchains"} {
		if err := os.MkdirAll(l.path(name), 0o711); err != nil {
			return nil, fmt.Errorf("make folder of builds: %w", err)
		}
	}
	if err := os.Chmod(l.path("toolchains"), 0o755); err != nil { // builds look for what is at hand
		return nil, fmt.Errorf("make folder of builds: %w", err)
	}
	if l.Program == "" {
		folder, err := installProgram(c.Dir)
		if err != nil {
			l.Log.Error("builds cannot run", "err", err)
		}
		l.Program = folder
	}
	l.toolchains = &toolchains{loop: l}
	l.loop.Settings = reconcile.Settings{
		Name: "build", Reconciler: l, Keys: l.keys, Workers: c.Slots, Resync: time.Minute, Log: c.Log,
	}
	return l, nil
}

func (l *Loop) path(parts ...string) string {
	return filepath.Join(append([]string{l.Dir}, parts...)...)
}

// Run cleans up after an earlier process, then works until ctx is done.
func (l *Loop) Run(ctx context.Context) error {
	if err := l.cleanUp(ctx); err != nil {
		l.Log.ErrorContext(ctx, "clean up after earlier builds", "err", err)
	}
	l.toolchains.base = ctx
	l.idle = make(chan kigo.Image, 1)
	var background sync.WaitGroup
	background.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case stack := <-l.idle:
				l.toolchains.compile(ctx, stack)
				if err := l.Collect(ctx, time.Now()); err != nil {
					l.Log.ErrorContext(ctx, "collect toolchains", "err", err)
				}
			}
		}
	})
	defer l.toolchains.under.Wait()
	defer background.Wait()
	return l.loop.Run(ctx)
}

// Mark hints that an app has a new build, or that one was cancelled.
func (l *Loop) Mark(app kigo.AppID) { l.loop.Mark(string(app)) }

// keys are the apps that have a pending build.
func (l *Loop) keys(ctx context.Context) (keys []string, err error) {
	err = l.Store.View(ctx, func(tx *store.Tx) error {
		builds, err := tx.PendingBuilds()
		for _, b := range builds {
			keys = append(keys, string(b.App))
		}
		return err
	})
	return keys, err
}

// Reconcile carries out an app's oldest pending build. The key is the app, not
// the build, so that an app has one build at a time.
func (l *Loop) Reconcile(ctx context.Context, key string) (reconcile.Result, error) {
	a, more, err := l.next(ctx, kigo.AppID(key))
	if err != nil {
		return reconcile.Result{}, err
	}
	l.waited(kigo.AppID(key), a)
	if a == nil {
		return reconcile.Result{}, nil
	}
	if what := l.begin(); what != "" {
		return reconcile.Result{After: time.Second}, l.wait(ctx, a, what)
	}
	defer l.ended()
	l.resume(a)
	if err := a.run(ctx); err != nil {
		return reconcile.Result{}, fmt.Errorf("build %s of %s: %w", a.build.ID, a.app.Name, err)
	}
	if more {
		return reconcile.Result{After: time.Millisecond}, nil
	}
	return reconcile.Result{}, nil
}

// next reads everything about the build to do now.
func (l *Loop) next(ctx context.Context, app kigo.AppID) (a *attempt, more bool, err error) {
	err = l.Store.View(ctx, func(tx *store.Tx) error {
		builds, err := tx.PendingBuilds()
		if err != nil {
			return err
		}
		var mine []kigo.Build
		for _, b := range builds {
			if b.App == app {
				mine = append(mine, b)
			}
		}
		if len(mine) == 0 {
			return nil
		}
		a, more = &attempt{loop: l, build: mine[0]}, len(mine) > 1 // oldest first
		if a.app, err = tx.App(app); err != nil {
			return err
		}
		a.config, err = tx.ConfigVars(app)
		return err
	})
	return a, more, err
}
