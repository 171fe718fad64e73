package build_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/build"
)

// flakyEngine fails to start the first few builds.
type flakyEngine struct {
	build.Engine
	fails atomic.Int32
}

func (e *flakyEngine) Start(ctx context.Context, l kigo.Launch) error {
	if e.fails.Add(-1) >= 0 {
		return errors.New("no room")
	}
	return e.Engine.Start(ctx, l)
}

func TestABuildThatFailsForAReasonOfOursIsTriedOnceMore(t *testing.T) {
	p := newPlatform(t)
	flaky := &flakyEngine{Engine: p.engine}
	p.config.Engine = flaky
	loop, _ := p.start()
	for fails, want := range map[int32]string{1: "succeeded", 2: "platform error: start the sandbox: no room"} {
		flaky.fails.Store(fails)
		id := p.push(map[string]string{"Procfile": "web: true\n"})
		loop.Mark(p.app.ID)
		text := p.read(id)
		p.eventually("it ends", func() bool { return p.end(id) != "" })
		if p.end(id) != want || strings.Count(text, "tried once more") != 1 {
			t.Errorf("after %d failures: %s\n%s", fails, p.end(id), text)
		}
		p.eventually("nothing is left", func() bool { return len(p.leftovers()) == 0 })
	}
}

func TestABuildThatFillsTheDiskIsStopped(t *testing.T) {
	p := newPlatform(t)
	p.fakeGo()
	p.config.Scratch = 64 << 20
	loop, _ := p.start()
	id := p.push(p.hostile("head -c 100000000 /dev/zero > /tmp/codon/tmp/cache/big; sleep 600"))
	loop.Mark(p.app.ID)
	if text := p.read(id); p.end(id) != "disk quota exceeded" || !strings.Contains(text, "the build wrote more than its 64 MB of disk") {
		t.Errorf("%s\n%s", p.end(id), text)
	}
	p.eventually("nothing is left", func() bool { return len(p.leftovers()) == 0 })
}
