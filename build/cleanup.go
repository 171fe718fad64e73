package build

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/internal/atomicfile"
	"github.com/kigo-dev/kigo/store"
)

// cleanUp takes a finished build off the machine. The output has ended by then,
// so nobody waits for it but the app's next build.
func (a *attempt) cleanUp() {
	s := a.sandbox
	if s == nil {
		return
	}
	a.loop.remove(s.id)
	if s.registry != nil {
		s.registry.Close()
	}
	if s.image != (kigo.Image{}) {
		select {
		case a.loop.idle <- s.image:
		default: // it is at it already
		}
	}
	var err error
	if s.cache != nil {
		err = errors.Join(s.cache.close(s.keepCache), a.loop.limitCache(s.cache))
	}
	if err = errors.Join(err, sweep(s.dir)); err != nil {
		a.loop.Log.Error("clean up build", "build", a.build.ID, "err", err)
	}
}

// remove forgets a launch, killing it if it still runs.
func (l *Loop) remove(id kigo.DynoID) {
	ctx, cancel := context.WithTimeout(context.Background(), killWait)
	defer cancel()
	st, err := l.Engine.Status(ctx, id)
	if errors.Is(err, kigo.ErrNotFound) {
		return
	}
	if err == nil && !st.Ended() {
		if err = l.Engine.Kill(ctx, id); err == nil {
			_, err = l.await(ctx, id)
		}
	}
	if rerr := l.Engine.Remove(ctx, id); rerr != nil {
		l.Log.Error("remove build's sandbox", "launch", id, "err", errors.Join(err, rerr))
	}
}

// interruptions begins the names of files, one line for each time that a build was
// interrupted.
const interruptions = "interrupted-"

// interrupt counts that a build was interrupted once more.
func (l *Loop) interrupt(id string) error {
	file := l.path("builds", interruptions+id)
	before, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	l.interrupted[id] = len(before) + 1
	return atomicfile.Write(file, append(before, 'x'), 0o600)
}

// forgetInterruptions is for a build that has ended.
func (l *Loop) forgetInterruptions(id kigo.BuildID) {
	_ = os.Remove(l.path("builds", interruptions+string(id))) // there is none of most
}

// settleInterrupted forgets the interruptions of a build that has ended since.
func (l *Loop) settleInterrupted(ctx context.Context, id kigo.BuildID) error {
	return l.Store.View(ctx, func(tx *store.Tx) error {
		b, err := tx.Build(id)
		switch {
		case errors.Is(err, kigo.ErrNotFound) || err == nil && b.Status != kigo.BuildPending:
			l.forgetInterruptions(id)
			return nil
		default:
			return err
		}
	})
}

// sweep removes a build's folder, with its mounts.
func sweep(dir string) error {
	for _, name := range []string{"cache", "view", secrets} {
		if err := unmount(filepath.Join(dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if err := detachLayers(dir); err != nil {
		return err
	}
	for _, name := range []string{disk, cacheDisk, joinDisk} {
		if err := dropDisk(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return os.RemoveAll(dir)
}

// cleanUp ends and removes everything of builds that an earlier process left. A
// build that was under way then begins again when its turn comes (attempt.run).
func (l *Loop) cleanUp(ctx context.Context) error {
	launches, err := l.Engine.List(ctx)
	if err != nil {
		return err
	}
	for _, st := range launches {
		if strings.HasPrefix(string(st.ID), "build-") {
			l.remove(st.ID)
		}
	}
	entries, err := os.ReadDir(l.path("builds"))
	for _, e := range entries {
		if id, ok := strings.CutPrefix(e.Name(), interruptions); ok {
			err = errors.Join(err, l.settleInterrupted(ctx, kigo.BuildID(id)))
			continue
		}
		err = errors.Join(err, l.settle(ctx, e.Name()), sweep(l.path("builds", e.Name())))
	}
	homes, herr := filepath.Glob(l.path("cache", "*"))
	for _, home := range homes {
		err = errors.Join(err, tidy(home))
	}
	return errors.Join(err, herr)
}

// settle ends the output of a build that ended while its writer was dying, and
// remembers one that has not ended.
func (l *Loop) settle(ctx context.Context, id string) error {
	var b kigo.Build
	err := l.Store.View(ctx, func(tx *store.Tx) (err error) {
		b, err = tx.Build(kigo.BuildID(id))
		return err
	})
	switch {
	case errors.Is(err, kigo.ErrNotFound): // of a toolchain, or of an app that is gone
		return nil
	case err != nil:
		return err
	case b.Status == kigo.BuildPending:
		return l.interrupt(id)
	}
	return l.Output.Finish(b.Output)
}
