package build_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/build"
)

// What a build may try against the machine: it ends, says why, leaves nothing, and
// the next build of another app goes through.
func TestHostileBuildsHurtNobodyElse(t *testing.T) {
	p := newPlatform(t)
	p.fakeGo()
	p.config.Limit = 10 * time.Second
	p.config.Memory = 200 << 20
	p.config.Slots = 1
	loop, _ := p.start()
	victim := p.newApp("victim")
	for _, c := range []struct {
		name, script string
		text         []string // in the output
		not          string   // and not in it
	}{
		{name: "a fork bomb", script: "f() { f | f & }; f; sleep 600", text: []string{" !     Push failed\n"}},
		{name: "what must not be written to",
			script: `for f in /etc/x /usr/x /bin/busybox /opt/kigo/x /opt/kigo/job/x /opt/kigo/toolchains/x /proc/sys/kernel/hostname /sys/x; do (echo x > $f) 2>/dev/null && echo "WROTE $f"; done; echo tried; exit 1`,
			text:   []string{"tried\n"}, not: "WROTE"},
		{name: "what must not be read",
			script: `for f in /opt/kigo/toolchains/../../../etc/shadow /proc/1/environ /proc/kcore /dev/sda /dev/mem; do [ -s $f ] && head -c 10 $f 2>/dev/null | grep -q . && echo "READ $f"; done; ls /var /opt /tmp; echo tried; exit 1`,
			text:   []string{"tried\n"}, not: "READ"},
		{name: "other processes", script: `for i in $(seq 1 40); do [ -d /proc/$i ] && cat /proc/$i/cmdline | tr '\0' ' '; done; echo; echo tried; exit 1`,
			text: []string{"tried\n"}, not: "build.test"},
		{name: "all that it may kill", script: "kill -9 -1; sleep 600", text: []string{" !     Push failed\n"}},
		{name: "its parent", script: "kill -9 1; kill -9 $PPID; sleep 600", text: []string{" !     Push failed\n"}},
		{name: "what stays behind", script: "trap '' TERM HUP; (busybox setsid sleep 600 &) ; busybox nohup sleep 600 >/dev/null 2>&1 & echo begun; exit 1",
			text: []string{"begun\n", " !     Push failed\n"}},
		{name: "escape codes", script: `printf '\033[2J\033]0;owned\007red\n'; exit 1`, text: []string{"red\n"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			id := p.push(p.hostile(c.script))
			loop.Mark(p.app.ID)
			text := p.read(id)
			for _, want := range c.text {
				if !strings.Contains(text, want) {
					t.Errorf("no %q in:\n%.3000s", want, text)
				}
			}
			if c.not != "" && strings.Contains(text, c.not) {
				t.Errorf("%q is in:\n%.3000s", c.not, text)
			}
			p.eventually("nothing is left", func() bool { return len(p.leftovers()) == 0 })
		})
	}
	p.app = victim
	id := p.push(map[string]string{"Procfile": "web: true\n"})
	loop.Mark(victim.ID)
	if text := p.read(id); p.end(id) != "succeeded" {
		t.Errorf("the next app's build: %s\n%s", p.end(id), text)
	}
}

// A cache is its app's alone, and what lies in it leads nowhere but in the sandbox.
func TestWhatABuildPutsIntoItsCacheLeadsNowhereElse(t *testing.T) {
	p := newPlatform(t)
	other := p.newApp("other")
	loop, _ := p.start()
	app := func(script string) map[string]string {
		return map[string]string{"bin/detect*": "#!/bin/sh\n", "bin/compile*": "#!/bin/sh\n" + script + "\n", "bin/release*": "#!/bin/sh\necho '--- {}'\n", "Procfile": "web: true\n"}
	}
	build := func(script string) string {
		id := p.push(app(script), "heroku/inline")
		loop.Mark(p.app.ID)
		text := p.read(id)
		p.eventually("it ends", func() bool { return p.end(id) != "" })
		if p.end(id) != "succeeded" {
			t.Fatalf("%s\n%s", p.end(id), text)
		}
		return text
	}
	build(`cd "$2"; ln -s / root; ln -s ../../../../../../../etc/shadow shadow; mkdir -p a/b; ln -s .. a/b/up; echo mine > mark; chmod 0 a/b; busybox mkfifo pipe; touch "$(printf 'two\nlines')"`)
	if text := build(`cat "$2/mark"; cat "$2/shadow" 2>/dev/null && echo READ; ls "$2/root/" | tr '\n' ' '; ls -d "$2/root/home" "$2/root/root" 2>/dev/null && echo HOST; echo`); !strings.Contains(text, "mine\n") || strings.Contains(text, "READ") || strings.Contains(text, "HOST") {
		t.Errorf("the second build sees:\n%s", text)
	}
	p.app = other
	if text := build(`ls -a "$2" | tr '\n' ' '; ls /var/../tmp/codon/tmp; echo`); strings.Contains(text, "mark") {
		t.Errorf("another app sees:\n%s", text)
	}
}

// A build ends when it is cancelled, wherever it is.
func TestABuildCanBeCancelledInEachPhase(t *testing.T) {
	p := newPlatform(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0") // the kernel takes connections, nobody answers
	must(t, err)
	t.Cleanup(func() { silent.Close() })
	p.fakeGo()
	p.config.Slots = 1
	p.config.Host = &build.Environment{Vars: []string{"GOPROXY=http://" + silent.Addr().String()}}
	loop, _ := p.start()
	cancel := func(id kigo.BuildID) {
		t.Helper()
		must(t, p.setStatus(t.Context(), id, kigo.BuildFailed)) // as control does
		loop.Mark(p.app.ID)
		p.eventually("it ends", func() bool { return p.config.Output.Exists(string(id)) })
		p.read(id)
	}
	compiling := p.push(p.hostile("echo compiling; sleep 600"))
	loop.Mark(p.app.ID)
	p.eventually("it compiles", func() bool { return strings.Contains(p.soFar(compiling), "compiling\n") })

	first := p.app
	p.app = p.newApp("waits")
	queued := p.push(map[string]string{"Procfile": "web: true\n"})
	loop.Mark(p.app.ID)
	must(t, p.setStatus(t.Context(), queued, kigo.BuildFailed))
	loop.Mark(p.app.ID)

	p.app = first
	cancel(compiling)

	fetching := p.push(map[string]string{"go.mod": "module x\n\ngo 1.24.9\n", "main.go": "package main\n\nfunc main() {}\n"})
	loop.Mark(p.app.ID)
	p.eventually("it installs Go", func() bool { return strings.Contains(p.soFar(fetching), "Installing go1.24.9") })
	cancel(fetching)
	p.eventually("nothing is left but the fetch for others", func() bool {
		for _, left := range p.leftovers() {
			if !strings.Contains(left, "toolchain") {
				return false
			}
		}
		return true
	})
	if text := p.soFar(queued); strings.Contains(text, "Building on") {
		t.Errorf("the build that was cancelled before it began:\n%s", text)
	}
	for _, id := range []kigo.BuildID{compiling, queued, fetching} {
		if text := p.soFar(id); strings.Contains(text, "Released") {
			t.Errorf("released:\n%s", text)
		}
	}
}
