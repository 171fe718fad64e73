package enginetest

import (
	"fmt"
	"strings"

	"github.com/kigo-dev/kigo"
)

var rootTests = []test{
	{"the command runs as the dyno user in its folder with its environment", func(s *suite) {
		l := s.launch("sh", "-c", "id -u; id -g; pwd; env | grep -v ^_= | grep -v ^SHLVL | grep -v ^PWD; hostname")
		_, lines := s.end(s.start(l))
		want := []string{"1000", "1000", "/app", "PATH=/bin", "HOME=/app", "DYNO=web.1", "PORT=5000", "web-1"}
		if fmt.Sprint(sorted(lines)) != fmt.Sprint(sorted(want)) {
			s.Errorf("output %q, want %q", lines, want)
		}
	}},
	{"the slug is at app and may be changed without harm to others", func(s *suite) {
		script := "cat hello; stat -c %u:%g hello .; echo changed > hello; echo new > folder/new; rm -f hello; ls"
		for range 2 {
			l := s.launch("sh", "-c", script)
			l.Slug = s.images.Slug
			_, lines := s.end(s.start(l))
			if got := strings.Join(lines, "|"); got != strings.TrimSpace(SlugText)+"|1000:1000|1000:1000|folder" {
				s.Errorf("output %q", got)
			}
		}
	}},
	{"only app and tmp and shared memory are writable", func(s *suite) {
		out := s.output("for d in / /bin /etc /dev /sys /proc /var /app /tmp /dev/shm /sys/fs/cgroup/memory; do touch $d/x 2>/dev/null && echo $d; done; echo x 2>/dev/null >/etc/hosts && echo hosts")
		if want := "/app\n/tmp\n/dev/shm"; out != want {
			s.Errorf("writable: %q, want %q", out, want)
		}
	}},
	{"a mutable root may be changed without harm to others", func(s *suite) {
		script := "stat -c %u:%a / /var; cat /etc/group | head -n 1; rm /etc/group; echo new > /var/new && mkdir /own && touch /own/x && cat /var/new; echo x 2>/dev/null >/etc/hosts || echo refused; touch /sys/x /proc/x 2>/dev/null || echo refused"
		for range 2 {
			l := s.launch("sh", "-c", script)
			l.Stack, l.Slug, l.Mutable = s.images.Root, s.images.Slug, true
			_, lines := s.end(s.start(l))
			if got := strings.Join(lines, "|"); got != "1000:755|1000:755|root:x:0:|new|refused|refused" {
				s.Errorf("output %q", got)
			}
		}
	}},
	{"what is written to a mutable root is bounded", func(s *suite) {
		l := s.launch("sh", "-c", "dd if=/dev/zero of=/var/big bs=1M count=200 2>/dev/null || echo full; rm /var/big; dd if=/dev/zero of=/app/big bs=1M count=8 2>/dev/null && echo fits")
		l.Stack, l.Mutable, l.Scratch = s.images.Root, true, 32<<20
		if _, lines := s.end(s.start(l)); strings.Join(lines, "|") != "full|fits" {
			s.Errorf("output %q", lines)
		}
	}},
	{"a mutable root keeps the modes of its files", func(s *suite) {
		l := s.launch("sh", "-c", "for d in / /bin /etc /var; do touch $d/x 2>/dev/null && echo $d; done; touch /app/x && echo app")
		l.Mutable = true
		if _, lines := s.end(s.start(l)); strings.Join(lines, "|") != "app" {
			s.Errorf("writable: %q", lines)
		}
	}},
	{"the memory limit is where profile scripts read it", func(s *suite) {
		if got := s.output("cat /sys/fs/cgroup/memory/memory.limit_in_bytes"); got != "67108864" {
			s.Errorf("limit %q", got)
		}
	}},
	{"the stack's files belong to its own root", func(s *suite) {
		if got := s.output("stat -c %u:%g /bin/busybox /etc /etc/hosts /tmp; stat -c %a /tmp"); got != "0:0\n0:0\n65534:65534\n0:0\n1777" {
			s.Errorf("owners %q", got)
		}
	}},
	{"a bound folder is seen and writable only if asked for", func(s *suite) {
		if s.BindSource == nil {
			return
		}
		l := s.launch("sh", "-c", "cat /app/in/file; echo x 2>/dev/null > /app/in/y || echo refused; echo out > /app/out/file && cat /app/out/file")
		l.Slug = s.images.Slug
		owner := int(l.UIDBase) + 1000
		l.Binds = []kigo.Bind{
			{Source: s.BindSource("in", owner), Target: "/app/in"},
			{Source: s.BindSource("out", owner), Target: "/app/out", Writable: true},
		}
		if _, lines := s.end(s.start(l)); strings.Join(lines, "|") != "bound|refused|out" {
			s.Errorf("output %q", lines)
		}
	}},
	{"scratch space is bounded", func(s *suite) {
		l := s.launch("sh", "-c", "dd if=/dev/zero of=/app/big bs=1M count=200 2>/dev/null || echo full; rm /app/big; dd if=/dev/zero of=/tmp/big bs=1M count=8 2>/dev/null && echo fits")
		l.Scratch = 32 << 20
		if _, lines := s.end(s.start(l)); strings.Join(lines, "|") != "full|fits" {
			s.Errorf("output %q", lines)
		}
	}},
}
