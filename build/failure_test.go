package build_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/build"
	"github.com/kigo-dev/kigo/store"
)

// script is a Go app whose hook before compiling is a shell script: the quickest
// way to let a build do anything.
func script(lines string) map[string]string {
	return map[string]string{"go.mod": "module x\n\ngo 1.1\n", "bin/go-pre-compile": lines, "Procfile": "web: a\n"}
}

// hostile is a Procfile app together with something bad that its build does. The
// built-in go buildpack runs the script after it has found its toolchain.
func (p *platform) hostile(lines string) map[string]string {
	files := script("#!/bin/bash\n" + lines + "\n")
	files["go.mod"] = "module x\n\ngo " + fakeGo + "\n"
	return files
}

// fakeGo is a Go that is found and cannot do anything.
const fakeGo = "1.25.77"

func (p *platform) fakeGo() {
	p.Helper()
	must(p, os.MkdirAll(filepath.Join(p.dir, "toolchains", "go-"+fakeGo, "bin"), 0o755))
}

func many(line string) string {
	var b strings.Builder
	for i := range 200 {
		fmt.Fprintf(&b, line, i)
	}
	return b.String()
}

func TestBuildsThatFailSayWhyAndLeaveNothing(t *testing.T) {
	p := newPlatform(t)
	p.fakeGo()
	p.config.Limit = 20 * time.Second
	p.config.Memory = 200 << 20
	loop, _ := p.start()
	for _, c := range []struct {
		name  string
		files map[string]string
		packs []string
		why   string // what control is told
		text  []string
	}{
		{name: "no language", files: map[string]string{"README": "x"}, why: "no default language could be detected for this app",
			text: []string{" !     No default language could be detected for this app.\n", "\n !     Push failed\n"}},
		{name: "bad Procfile", files: map[string]string{"Procfile": "web a"}, why: `Procfile line 1 is not "type: command": "web a"`,
			text: []string{`Procfile line 1 is not`}},
		{name: "200 process types", files: map[string]string{"Procfile": many("%d: a\n")}, why: `Procfile line 101: process type "100" is one too many, the maximum is 100`,
			text: []string{"one too many"}},
		{name: "200 process types of a buildpack", packs: []string{"heroku/inline"}, files: map[string]string{
			"bin/detect*": "#!/bin/sh\n", "bin/compile*": "#!/bin/sh\n", "bin/release*": "#!/bin/sh\ncat <<END\ndefault_process_types:\n" + many("  t%d: a\n") + "END\n",
		}, why: "too many process types", text: []string{" !     There are 200 process types in the Procfile and of buildpacks, the maximum is 100.\n"}},
		{name: "unknown buildpack", files: map[string]string{"Procfile": "web: a"}, packs: []string{"heroku/cobol"},
			why: "Unknown buildpack", text: []string{"one of the names heroku/apt"}},
		{name: "compile fails", files: p.hostile("echo no luck; exit 3"), why: "failed to compile Go app",
			text: []string{"       no luck\n", " !     Push rejected, failed to compile Go app.\n\n !     Push failed\n"}},
		{name: "out of memory", files: p.hostile(`a=$(head -c 400000000 /dev/zero | tr '\0' x); echo ${#a}`), why: "out of memory",
			text: []string{"used more than its 200 MB of memory"}},
		{name: "hostile result", files: p.hostile("rm -rf /tmp/codon/result.json; ln -s /etc/shadow /tmp/codon/result.json; chmod 555 /tmp/codon; exit 1"),
			why: "platform error", text: []string{" !     Push failed\n"}},
		{name: "wishes", files: p.hostile("cd /tmp/codon/toolchains; touch go-1.99999.1 ../x 'go-1.0/../../a' 2>/dev/null; for i in $(seq 200); do touch $i; done; exit 1"),
			why: "failed to compile Go app", text: []string{" !     Push failed\n"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			id := p.push(c.files, c.packs...)
			loop.Mark(p.app.ID)
			text := p.read(id)
			if !strings.HasPrefix(p.end(id), c.why) {
				t.Errorf("control was told %q, want %q", p.end(id), c.why)
			}
			for _, want := range c.text {
				if !strings.Contains(text, want) {
					t.Errorf("no %q in:\n%s", want, text)
				}
			}
			p.eventually("nothing is left", func() bool { return len(p.leftovers()) == 0 })
		})
	}
	if caches, _ := filepath.Glob(filepath.Join(p.dir, "cache", "*", "0*")); len(caches) > 0 {
		t.Errorf("a failed build left a cache: %v", caches)
	}
}

func TestABuildIsKilledAtItsLimitWithAllThatItStarted(t *testing.T) {
	p := newPlatform(t)
	p.fakeGo()
	p.config.Limit = 3 * time.Second
	loop, _ := p.start()
	id := p.push(p.hostile("(trap '' TERM; while true; do sleep 1; done) & sleep 600"))
	loop.Mark(p.app.ID)
	text := p.read(id)
	if p.end(id) != "timed out" || !strings.Contains(text, " !     Push rejected, build timed out; must complete in 3 seconds\n") {
		t.Errorf("%s:\n%s", p.end(id), text)
	}
	p.eventually("nothing is left", func() bool { return len(p.leftovers()) == 0 })
}

func TestACancelledBuildEndsAtOnce(t *testing.T) {
	p := newPlatform(t)
	p.fakeGo()
	loop, _ := p.start()
	id := p.push(p.hostile("echo waiting; sleep 600"))
	loop.Mark(p.app.ID)
	p.eventually("it runs", func() bool { return len(p.leftovers()) > 1 })
	if err := p.setStatus(context.Background(), id, kigo.BuildFailed); err != nil { // as control does
		t.Fatal(err)
	}
	if text := p.read(id); !strings.Contains(text, " !     Build canceled.\n") {
		t.Error(text)
	}
	p.eventually("nothing is left", func() bool { return len(p.leftovers()) == 0 })
}

func TestAnAppThatIsDestroyedEndsItsBuild(t *testing.T) {
	p := newPlatform(t)
	p.fakeGo()
	loop, _ := p.start()
	id := p.push(p.hostile("echo waiting; sleep 600"))
	loop.Mark(p.app.ID)
	p.eventually("it runs", func() bool { return len(p.leftovers()) > 1 })
	err := p.store.Update(context.Background(), func(tx *store.Tx) error {
		p.app.Destroying = true
		return tx.UpdateApp(&p.app)
	})
	if err != nil {
		t.Fatal(err)
	}
	if text := p.read(id); !strings.Contains(text, "The app was destroyed while it was being built.") {
		t.Error(text)
	}
	p.eventually("nothing is left", func() bool { return len(p.leftovers()) == 0 })
}

func TestAFullDiskIsToldAsOurs(t *testing.T) {
	p := newPlatform(t)
	small := filepath.Join(p.dir, "builds")
	must(t, os.MkdirAll(small, 0o711))
	must(t, unix.Mount("tmpfs", small, "tmpfs", 0, "size=200k,mode=711"))
	t.Cleanup(func() { unix.Unmount(small, unix.MNT_DETACH) })
	loop, _ := p.start()
	id := p.push(map[string]string{"Procfile": "web: a\n", "large": strings.Repeat("x", 1<<20)})
	loop.Mark(p.app.ID)
	text := p.read(id)
	if !strings.Contains(text, "disk is full") || !strings.Contains(text, "not a fault of your app") || !strings.HasPrefix(p.end(id), "platform error") {
		t.Errorf("%s:\n%s", p.end(id), text)
	}
}

func TestAToolchainThatCannotBeFetchedIsTold(t *testing.T) {
	p := newPlatform(t)
	p.config.Host = &build.Environment{Vars: []string{"GOPROXY=http://127.0.0.1:9"}}
	loop, _ := p.start()
	id := p.push(map[string]string{"go.mod": "module x\n\ngo 1.25.1\n", "main.go": "package main\n\nfunc main() {}\n"})
	loop.Mark(p.app.ID)
	began := time.Now()
	text := p.read(id)
	if !strings.Contains(text, " !     Go 1.25.1 could not be installed: fetch go 1.25.1: ") || time.Since(began) > time.Minute {
		t.Errorf("after %s: %s\n%s", time.Since(began), p.end(id), text)
	}
	p.eventually("nothing is left", func() bool { return len(p.leftovers()) == 0 })
}

func TestAGoAtHandWillDoWhenTheRegistryIsOutOfReach(t *testing.T) {
	p := newPlatform(t)
	p.fakeGo()
	loop, _ := p.start()
	files := p.hostile("echo reached; exit 1")
	files["go.mod"] = "module x\n\ngo 1.25\n"
	id := p.push(files)
	loop.Mark(p.app.ID)
	if text := p.read(id); !strings.Contains(text, "-----> Using go"+fakeGo+"\n") || !strings.Contains(text, "reached") {
		t.Error(text)
	}
}

func TestASlugThatIsTooLargeIsRefused(t *testing.T) {
	p := newPlatform(t)
	p.config.SlugLimit = 1 << 20
	loop, _ := p.start()
	id := p.push(map[string]string{"Procfile": "web: a\n", "noise": noise(2 << 20)})
	loop.Mark(p.app.ID)
	text := p.read(id)
	if want := " !     Compiled slug size: 2.0M is too large (max is 1M).\n"; !strings.Contains(text, want) || !strings.HasSuffix(text, " !     Push failed\n") {
		t.Errorf("no %q in:\n%s", want, text)
	}
}

// strict is a control that takes no slug.
type strict struct{ *platform }

func (strict) CompleteBuildWith(_ context.Context, id kigo.BuildID, _ kigo.Made) (kigo.Release, error) {
	return kigo.Release{}, fmt.Errorf("complete build %s: %w", id, kigo.Invalid("The command of process type web is too long."))
}

func TestWhatNoReleaseMayHaveIsTheAppsFault(t *testing.T) {
	p := newPlatform(t)
	p.config.Control = strict{p}
	loop, _ := p.start()
	id := p.push(map[string]string{"Procfile": "web: a\n"})
	loop.Mark(p.app.ID)
	text := p.read(id)
	if !strings.HasSuffix(text, "\n !     The command of process type web is too long.\n\n !     Push failed\n") || strings.Contains(text, "could not be finished") {
		t.Errorf("%s", text)
	}
	if why := p.end(id); why != "The command of process type web is too long." {
		t.Errorf("%q", why)
	}
}
