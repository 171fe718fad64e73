package build_test

import (
	"context"
	"errors"
	"regexp"
	"strconv"
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

func TestABuildThatMakesTooManyFilesIsStopped(t *testing.T) {
	p := newPlatform(t)
	p.fakeGo()
	p.config.Scratch = 32 << 20
	loop, _ := p.start()
	id := p.push(p.hostile("mkdir many; cd many; for i in $(seq 3000); do echo > $i || break; done 2>/dev/null; sleep 600"))
	loop.Mark(p.app.ID)
	if text := p.read(id); p.end(id) != "too many files" || !strings.Contains(text, "the build made more than the 2048 files that its disk holds") {
		t.Errorf("%s\n%s", p.end(id), text)
	}
	p.eventually("nothing is left", func() bool { return len(p.leftovers()) == 0 })
}

// What a build may write is bounded by file systems of its own, not by who looks now and then.
func TestEveryFolderOfABuildIsOnADiskOfItsOwn(t *testing.T) {
	p := newPlatform(t)
	p.fakeGo()
	p.config.Scratch = 64 << 20
	loop, _ := p.start()
	id := p.push(p.hostile(`for f in "$PWD" /tmp/codon /tmp/codon/tmp/cache /tmp /app; do echo "$f has $(busybox stat -f -c '%b %S %c' "$f")"; done; exit 1`))
	loop.Mark(p.app.ID)
	text := p.read(id)
	found := regexp.MustCompile(`(?m)^ *(/\S+) has (\d+) (\d+) (\d+)$`).FindAllStringSubmatch(text, -1)
	if len(found) != 5 {
		t.Fatalf("%d folders in\n%s", len(found), text)
	}
	for _, f := range found {
		blocks, _ := strconv.Atoi(f[2])
		size, _ := strconv.Atoi(f[3])
		files, _ := strconv.Atoi(f[4])
		if bytes := blocks * size; bytes < 32<<20 || bytes > 64<<20 || files < 1000 || files > 10000 {
			t.Errorf("%s: %d bytes and %d files", f[1], bytes, files)
		}
	}
	p.eventually("nothing is left", func() bool { return len(p.leftovers()) == 0 })
}
