package build_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo"
)

// endless is a file with which an app is never packed to its end.
const endless = "endless-packing"

// packsForever reports whether the child that packs was given such an app.
func packsForever() bool {
	const in = 3
	var st unix.Stat_t
	return unix.Fstatat(in, endless, &st, unix.AT_SYMLINK_NOFOLLOW) == nil
}

func TestABuildCanBeCancelledWhileItIsPacked(t *testing.T) {
	p := newPlatform(t)
	loop, _ := p.start()
	id := p.push(map[string]string{"Procfile": "web: a\n", endless: ""})
	loop.Mark(p.app.ID)
	var child string
	p.eventually("it is packed", func() bool { child = p.packer(); return child != "" })
	must(t, p.setStatus(t.Context(), id, kigo.BuildFailed)) // as control does
	loop.Mark(p.app.ID)
	text := p.read(id)
	if !strings.Contains(text, "-----> Compressing...\n") || !strings.HasSuffix(text, "\n !     Build canceled.\n\n !     Push failed\n") || p.end(id) != "" {
		t.Errorf("%s\n%s", p.end(id), text)
	}
	p.eventually("nothing is left", func() bool { return len(p.leftovers()) == 0 && p.packer() == "" })
	if kept, _ := filepath.Glob(filepath.Join(p.dir, "slugs", "*")); len(kept) > 0 {
		t.Errorf("slugs: %q", kept)
	}
	if _, err := os.Stat(child); err == nil {
		t.Errorf("%s is still there", child)
	}
	next := p.push(map[string]string{"Procfile": "web: a\n"})
	loop.Mark(p.app.ID)
	if text := p.read(next); p.end(next) != "succeeded" {
		t.Errorf("the next one: %s\n%s", p.end(next), text)
	}
}

// packer is the folder in /proc of the child that packs one of the platform's apps.
func (p *platform) packer() string {
	folders, _ := filepath.Glob("/proc/[0-9]*")
	for _, folder := range folders {
		if in, err := os.Readlink(filepath.Join(folder, "fd", "3")); err != nil || !strings.HasPrefix(in, filepath.Join(p.dir, "builds")+"/") {
			continue
		}
		words, _ := os.ReadFile(filepath.Join(folder, "cmdline"))
		if strings.HasPrefix(string(words), "kigo\x00pack\x00folder") {
			return folder
		}
	}
	return ""
}

// late is a control that is asked to cancel each build when it is told of its success.
type late struct{ *platform }

func (l late) CompleteBuildWith(ctx context.Context, id kigo.BuildID, _ kigo.Made) (kigo.Release, error) {
	must(l.TB, l.setStatus(ctx, id, kigo.BuildFailed))
	return kigo.Release{}, kigo.Conflict("Build %s has failed already: canceled.", id)
}

func TestABuildThatIsCancelledAtTheLastMomentSaysSo(t *testing.T) {
	p := newPlatform(t)
	p.config.Control = late{p}
	loop, _ := p.start()
	id := p.push(map[string]string{"Procfile": "web: a\n"})
	loop.Mark(p.app.ID)
	if text := p.read(id); !strings.HasSuffix(text, "\n !     Build canceled.\n\n !     Push failed\n") || strings.Contains(text, "could not be finished") || p.end(id) != "" {
		t.Errorf("%s\n%s", p.end(id), text)
	}
	p.eventually("nothing is left", func() bool { return len(p.leftovers()) == 0 })
}
