package build

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/buildpack"
	"github.com/kigo-dev/kigo/buildpack/toolchain"
)

// toolchains keeps the machine's store of compilers and runtimes. What a build
// lacks is fetched by a launch that runs our own program alone and sees nothing
// of any app; the store changes by rename only.
type toolchains struct {
	loop    *Loop
	base    context.Context // of the loop's Run
	fetches singleflight.Group
	failed  sync.Map       // names that are not tried again before the next start
	under   sync.WaitGroup // what goes on, which Run waits for
}

// fetcherUID is the uid range of those launches; no app has it.
const fetcherUID = kigo.UIDFirst - kigo.UIDRange

const (
	wishPoll    = 50 * time.Millisecond
	maxWishes   = 8 // of one build
	fetchLimit  = 5 * time.Minute
	fetchMemory = 1 << 30
)

// grant fetches what a build wishes for, until ctx is done. Wishes are the names
// of files that the build makes; refusals are told by a file of the same name.
func (t *toolchains) grant(ctx context.Context, codon *os.Root, home string, stack kigo.Image) {
	seen := map[string]bool{}
	tick := time.NewTicker(wishPoll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, name := range wishes(codon) {
			if seen[name] || len(seen) >= maxWishes {
				continue
			}
			seen[name] = true
			t.under.Go(func() {
				err := t.ensure(ctx, name, stack)
				if err != nil && ctx.Err() == nil {
					refuse(home, name, err)
				}
			})
		}
	}
}

// wishes reads at most a few names from a folder that the app's code may write.
func wishes(codon *os.Root) []string {
	dir, err := codon.Open(filepath.Base(buildpack.Wishes))
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(2 * maxWishes)
	return names
}

func refuse(home, name string, err error) {
	if _, bad := toolchain.ParseName(name); bad != nil {
		return
	}
	tmp := filepath.Join(home, "."+name)
	if os.WriteFile(tmp, []byte(err.Error()), 0o644) == nil {
		os.Rename(tmp, filepath.Join(home, filepath.Base(buildpack.Refusals), name)) //nolint:errcheck // then the build waits until its own limit
	}
}

// ensure has a tool in the store, fetching it once however many builds want it.
func (t *toolchains) ensure(ctx context.Context, name string, stack kigo.Image) error {
	tool, err := toolchain.ParseName(name)
	if err != nil {
		return err
	}
	if _, err := os.Stat(t.loop.path("toolchains", tool.Name())); err == nil {
		t.use(tool)
		return nil
	}
	done := make(chan error, 1)
	t.under.Go(func() {
		_, err, _ := t.fetches.Do(tool.Name(), func() (any, error) {
			ctx, cancel := context.WithTimeout(t.base, fetchLimit) // it outlives the build that asked first
			defer cancel()
			return nil, t.fetch(ctx, tool, stack)
		})
		done <- err
	})
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// compile has the standard library of every Go in the store compiled, for the
// first builds of apps to come. It is called when a build has ended.
func (t *toolchains) compile(ctx context.Context, stack kigo.Image) {
	entries, _ := os.ReadDir(t.loop.path("toolchains")) // none is as good as no folder
	for _, e := range entries {
		tool, err := toolchain.ParseName(e.Name())
		if err != nil || tool.Kind != "go" {
			continue
		}
		tool.Kind = "gostd"
		if _, failed := t.failed.Load(tool.Name()); failed {
			continue
		}
		if err := t.ensure(ctx, tool.Name(), stack); err != nil && ctx.Err() == nil {
			t.failed.Store(tool.Name(), true) // builds do it for themselves, as ever
		}
	}
}

// fetch runs the launch and adopts what it brought.
func (t *toolchains) fetch(ctx context.Context, tool toolchain.Tool, stack kigo.Image) error {
	var random [4]byte
	rand.Read(random[:])
	id := launchID("toolchain-" + hex.EncodeToString(random[:]))
	dir := t.loop.path("builds", string(id))
	defer os.RemoveAll(dir)
	home, bring := filepath.Join(dir, "kigo"), filepath.Join(dir, "bring")
	for _, d := range []string{home, filepath.Join(home, "bin"), filepath.Join(home, "toolchains"), bring} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	if err := errors.Join(os.Chmod(dir, 0o711), os.Chown(bring, int(fetcherUID)+1000, int(fetcherUID)+1000), t.loop.installCA(home)); err != nil {
		return err
	}
	said, err := t.run(ctx, id, home, bring, tool, stack)
	if err != nil {
		t.loop.Log.ErrorContext(ctx, "fetch toolchain", "tool", tool.Name(), "err", err)
		return err
	}
	if err := os.Rename(bring, t.loop.path("toolchains", tool.Name())); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("keep toolchain: %w", err)
	}
	t.loop.Log.InfoContext(ctx, "toolchain fetched", "tool", tool.Name(), "checksum", said)
	return nil
}

// run returns the last line of the fetcher: the checksum.
func (t *toolchains) run(ctx context.Context, id kigo.DynoID, home, bring string, tool toolchain.Tool, stack kigo.Image) (string, error) {
	const target = "/tmp/toolchain"
	l := t.loop.newLaunch(id, home)
	l.App, l.UIDBase, l.Stack, l.Memory, l.Pids = "toolchain", fetcherUID, stack, fetchMemory, 256
	l.Scratch = t.loop.Scratch
	l.Command = []string{buildpack.Program, "fetch", tool.Name(), target}
	l.Binds = append(l.Binds,
		kigo.Bind{Source: t.loop.path("toolchains"), Target: buildpack.Toolchains},
		kigo.Bind{Source: bring, Target: target, Writable: true})
	if tool.Kind == "gostd" { // it compiles, while nobody waits
		l.Memory, l.CPU.Shares, l.Pids = t.loop.Memory, 64, 1024
	}
	if err := t.loop.Engine.Start(ctx, l); err != nil {
		return "", err
	}
	defer t.loop.remove(id)
	var last string
	err := t.loop.tail(ctx, id, func(line kigo.OutputLine) { last = strings.TrimSpace(line.Text) })
	if err != nil {
		return "", err
	}
	st, err := t.loop.await(ctx, id)
	if err != nil {
		return "", err
	}
	if st.ExitCode != 0 {
		return "", errors.New(last)
	}
	return last, nil
}
