package build_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

// crash ends a loop as kill -9 would: nothing more is done by it, and what runs goes on.
func (p *platform) crash(dead *deadEngine, stop func()) {
	p.Helper()
	dead.dead.Store(true)
	p.mute.Store(true)
	close(dead.ended)
	stop()
	p.mute.Store(false)
}

func (p *platform) mortal() *deadEngine {
	dead := &deadEngine{Engine: p.engine, ended: make(chan struct{})}
	p.config.Engine = dead
	return dead
}

func TestABuildThatWasInterruptedBeginsAgainAndWaitingOnesRun(t *testing.T) {
	p := newPlatform(t)
	p.fakeGo()
	first := p.push(p.hostile("sleep 600"))
	dead := p.mortal()
	loop, stop := p.start()
	loop.Mark(p.app.ID)
	p.eventually("it runs", func() bool { return len(p.leftovers()) > 1 })
	p.crash(dead, stop)
	must(t, os.MkdirAll(filepath.Join(p.dir, "builds", string(first), "tree"), 0o711)) // a killed process could not have removed it
	p.config.Engine = p.engine
	other := p.newApp("other")
	mine := p.app
	p.app = other
	second := p.push(map[string]string{"Procfile": "web: a\n"})
	p.app = mine
	loop, _ = p.start()
	if text := p.read(second); p.end(second) != "succeeded" {
		t.Errorf("second: %s\n%s", p.end(second), text)
	}
	p.eventually("the first runs again", func() bool { return strings.Contains(p.soFar(first), "The build begins again.") })
	must(t, p.setStatus(t.Context(), first, kigo.BuildFailed)) // as control does
	loop.Mark(p.app.ID)
	if text := p.read(first); !strings.Contains(text, " !     The platform was restarted. The build begins again.\n") || !strings.HasSuffix(text, " !     Push failed\n") {
		t.Error(text)
	}
	p.eventually("nothing is left", func() bool { return len(p.leftovers()) == 0 })
}

// soFar is a build's output up to now.
func (p *platform) soFar(id kigo.BuildID) string {
	files, _ := filepath.Glob(filepath.Join(p.dir, "output", string(id)+"*"))
	var all string
	for _, f := range files {
		text, _ := os.ReadFile(f)
		all += string(text)
	}
	return all
}

func TestABuildThatEndsThePlatformAgainAndAgainIsGivenUp(t *testing.T) {
	p := newPlatform(t)
	p.fakeGo()
	id := p.push(p.hostile("sleep 600"))
	for range 3 {
		dead := p.mortal()
		loop, stop := p.start()
		loop.Mark(p.app.ID)
		p.eventually("it runs", func() bool {
			_, err := os.Stat(filepath.Join(p.dir, "builds", string(id), "disk", "codon", "tmp"))
			return err == nil
		})
		p.eventually("its launch is there", func() bool { list, err := p.engine.List(t.Context()); return err == nil && len(list) > 0 })
		p.crash(dead, stop)
		must(t, os.MkdirAll(filepath.Join(p.dir, "builds", string(id), "tree"), 0o711))
	}
	p.config.Engine = p.engine
	p.start()
	if text := p.read(id); p.end(id) != "interrupted" || !strings.Contains(text, "The build was interrupted 3 times by a restart of the platform.") {
		t.Errorf("%s\n%s", p.end(id), text)
	}
	p.eventually("nothing is left", func() bool { return len(p.leftovers()) == 0 })
}

func TestConfigVarsOfABuildAreNeverOnTheDisk(t *testing.T) {
	p := newPlatform(t)
	p.fakeGo()
	const canary = "canary-5f1c77"
	p.setConfig(kigo.ConfigVars{"SECRET": canary})
	files := p.hostile("echo \"$SECRET\"; cat /tmp/env_*/SECRET; echo; touch /tmp/codon/here; sleep 600")
	loop, _ := p.start()
	id := p.push(files)
	loop.Mark(p.app.ID)
	p.eventually("the build sees it", func() bool { return strings.Contains(p.soFar(id), canary) })
	var kept []string
	for _, pattern := range []string{"builds/*/*", "builds/*/kigo/*", "builds/*/disk/codon/*", "builds/*/disk/codon/*/*", "dynos/*/*", "cache/*/*"} {
		found, err := filepath.Glob(filepath.Join(p.dir, pattern))
		must(t, err)
		kept = append(kept, found...)
	}
	looked := 0
	for _, name := range kept {
		if st, err := os.Lstat(name); err != nil || !st.Mode().IsRegular() || strings.HasPrefix(filepath.Base(name), "log.") { // what the build printed
			continue
		}
		looked++
		if holds(t, name, canary) {
			t.Errorf("%s holds a config var", name)
		}
	}
	if looked < 3 {
		t.Errorf("looked at %d files", looked)
	}
	must(t, p.setStatus(t.Context(), id, kigo.BuildFailed))
	p.read(id)
	p.eventually("nothing is left", func() bool { return len(p.leftovers()) == 0 })
}

// holds looks for a text in what of a file is no hole: a sandbox's disk is a sparse
// file of many gigabytes.
func holds(t *testing.T, name, text string) bool {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		return false // gone meanwhile
	}
	defer f.Close()
	for at := int64(0); ; {
		from, err := unix.Seek(int(f.Fd()), at, unix.SEEK_DATA)
		if err != nil {
			return false
		}
		to, err := unix.Seek(int(f.Fd()), from, unix.SEEK_HOLE)
		must(t, err)
		data := make([]byte, to-from)
		if _, err := f.ReadAt(data, from); err == nil && bytes.Contains(data, []byte(text)) {
			return true
		}
		at = to
	}
}

// setConfig gives the app config vars, as a release does.
func (p *platform) setConfig(vars kigo.ConfigVars) {
	p.Helper()
	must(p, p.store.Update(p.Context(), func(tx *store.Tx) error {
		return tx.CreateRelease(&kigo.Release{ID: kigo.ReleaseID(uuid.NewString()), App: p.app.ID, User: p.app.Owner, Stack: "heroku-22", Status: kigo.ReleaseSucceeded}, vars)
	}))
}

func TestBuildsWaitForMemoryButOneMayAlwaysRun(t *testing.T) {
	p := newPlatform(t)
	p.fakeGo()
	p.config.Available = func() int64 { return 1 << 30 } // less than a build may use, enough for one
	loop, _ := p.start()
	first := p.push(p.hostile("sleep 600"))
	loop.Mark(p.app.ID)
	p.eventually("the first runs", func() bool { return strings.Contains(p.soFar(first), "Go app detected") })
	mine := p.app
	p.app = p.newApp("other")
	second := p.push(map[string]string{"Procfile": "web: a\n"})
	loop.Mark(p.app.ID)
	_, err := loop.Reconcile(t.Context(), string(p.app.ID)) // its turn comes, and passes
	must(t, err)
	_, err = loop.Reconcile(t.Context(), string(p.app.ID))
	must(t, err)
	if text := p.soFar(second); text != "-----> Waiting for memory...\n" {
		t.Errorf("the second has said:\n%s", text)
	}
	must(t, p.setStatus(t.Context(), first, kigo.BuildFailed))
	loop.Mark(mine.ID)
	if text := p.read(second); p.end(second) != "succeeded" {
		t.Errorf("%s\n%s", p.end(second), text)
	}
}

func TestACacheThatGrowsTooLargeBeginsAnew(t *testing.T) {
	p := newPlatform(t)
	p.config.CacheSize = 1 << 20
	loop, _ := p.start()
	pack := map[string]string{"Procfile": "web: a\n", "bin/detect*": "#!/bin/bash\necho Inline\n", "bin/compile*": "#!/bin/bash\nls $2\nhead -c 3000000 /dev/zero > $2/large\n"}
	for _, want := range []string{"", " !     The build cache had grown to 3 MB, more than the 1 MB of an app: it begins anew.\n"} {
		id := p.push(pack, "heroku/inline")
		loop.Mark(p.app.ID)
		text := p.read(id)
		if p.end(id) != "succeeded" || !strings.Contains(text, want) || strings.Contains(text, "\nlarge\n") {
			t.Errorf("%s: no %q in\n%s", p.end(id), want, text)
		}
		p.eventually("nothing is left", func() bool { return len(p.leftovers()) == 0 })
	}
}
