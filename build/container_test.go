package build_test

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/build"
	"github.com/kigo-dev/kigo/buildpack"
	"github.com/kigo-dev/kigo/internal/testenv"
	"github.com/kigo-dev/kigo/stack"
	"github.com/kigo-dev/kigo/store"
)

// builtImages is the platform's side of builds of Dockerfiles, with a registry that has nothing.
type builtImages struct {
	dir  string
	took []string
}

func (b *builtImages) Root(ctx context.Context) (kigo.Image, error) { return stack.Tools(ctx, b.dir) }
func (*builtImages) Registry(kigo.App) http.Handler                 { return http.NotFoundHandler() }
func (*builtImages) About(kigo.App) buildpack.ImageJob {
	return buildpack.ImageJob{DefaultStack: "heroku-22"}
}

func (b *builtImages) Take(_ context.Context, _ kigo.App, layout *os.Root, images []string, processes []buildpack.Process) (kigo.Slug, error) {
	if _, err := layout.Stat("index.json"); err != nil {
		return kigo.Slug{}, err
	}
	b.took = append(b.took, images...)
	s := kigo.Slug{ProcessTypes: map[string]string{}}
	for _, p := range processes {
		s.ProcessTypes[p.Type] = p.Command
	}
	return s, nil
}

// dockerfile is an app whose image has busybox and runs lines while it is built.
func dockerfile(t *testing.T, lines ...string) map[string]string {
	t.Helper()
	busybox, err := os.ReadFile(testenv.NeedsProgram(t, "busybox"))
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"heroku.yml": "build: {docker: {web: Dockerfile}}\nrun: {web: ./web}\n", "bin/sh*": string(busybox),
		"Dockerfile": "FROM scratch\nCOPY bin /bin\nRUN [\"/bin/sh\", \"-c\", \"/bin/sh --install -s /bin 2>/dev/null; true\"]\nRUN " + strings.Join(lines, "\nRUN ") + "\n",
	}
}

func TestDockerfilesAreBuiltInTheirSandbox(t *testing.T) {
	testenv.NeedsProgram(t, "buildah")
	p := newPlatform(t)
	p.app.BuildStack = kigo.StackContainer
	images := &builtImages{dir: p.stacks().Dir}
	p.config.Images, p.config.Memory, p.config.Scratch = images, 512<<20, 256<<20
	loop, _ := p.start()
	for _, c := range []struct {
		name  string
		lines []string
		end   string
		says  string
	}{
		{"as root of nobody else", []string{
			"id -u && cut -d' ' -f1-99 /proc/self/uid_map", "echo CapEff $(grep CapEff /proc/self/status)",
			"if unshare -U true; then echo new users; else echo no new users; fi; if unshare -n true; then echo a network; else echo no network; fi",
			"mkdir /mnt; if mount -t tmpfs t /mnt; then echo a mount; else echo no mount; fi; if echo 1 > /proc/sys/kernel/panic; then echo a setting; else echo no setting; fi",
			"ls -d /opt/kigo/job 2>&1 || echo no job",
		}, "succeeded", "no new users"},
		{"a step that fails", []string{"echo no luck; exit 3"}, "Dockerfile for web does not build: its own words are above", "no luck"},
		{"a step that fills the disk", []string{"dd if=/dev/zero of=/big bs=1M count=400"}, "Dockerfile for web does not build: its own words are above", "No space left on device"},
		{"a step that takes all memory", []string{"tail /dev/zero"}, "out of memory", "the build used more than its 512 MB of memory and was stopped"},
	} {
		id := p.push(dockerfile(t, c.lines...))
		loop.Mark(p.app.ID)
		text := p.read(id)
		p.eventually("its end", func() bool { return p.end(id) != "" })
		if end := p.end(id); end != c.end || !strings.Contains(text, c.says) {
			t.Errorf("%s: %s\n%s", c.name, end, text)
		}
		if c.end == "succeeded" {
			for _, want := range []string{"no network", "no mount", "no setting", "no job", "CapEff CapEff: 00000000800405fb"} {
				if !strings.Contains(text, want) {
					t.Errorf("%s: no %q in\n%s", c.name, want, text)
				}
			}
		}
		p.eventually("nothing left of "+c.name, func() bool { return len(p.leftovers()) == 0 })
	}
	if !slices.Equal(images.took, []string{"web"}) {
		t.Errorf("took %q", images.took)
	}
}

// planting puts a link in place of the images when the sandbox has ended, as code of the
// build can that got out of the folder which it was to run in.
type planting struct {
	build.Engine
	dir, link string
}

func (e planting) Logs(ctx context.Context, id kigo.DynoID, after uint64, f func(kigo.OutputLine)) error {
	err := e.Engine.Logs(ctx, id, after, f)
	name, ok := strings.CutPrefix(string(id), "build-")
	images := filepath.Join(e.dir, "builds", name, "disk", "codon", "images")
	if _, missing := os.Stat(images); !ok || missing != nil {
		return err
	}
	return errors.Join(err, os.RemoveAll(images), os.Symlink(e.link, images))
}

func TestALinkInPlaceOfTheImagesIsNotFollowed(t *testing.T) {
	testenv.NeedsProgram(t, "buildah")
	p := newPlatform(t)
	p.app.BuildStack = kigo.StackContainer
	images := &builtImages{dir: p.stacks().Dir}
	outside := t.TempDir()
	must(t, os.WriteFile(filepath.Join(outside, "index.json"), []byte("{}"), 0o644))
	p.config.Images, p.config.Engine = images, planting{p.engine, p.dir, outside}
	loop, _ := p.start()
	id := p.push(dockerfile(t, "true"))
	loop.Mark(p.app.ID)
	if text := p.read(id); !strings.Contains(text, "a step of a Dockerfile must leave /tmp/codon alone") || p.end(id) != "no folder of images" {
		t.Errorf("%s\n%s", p.end(id), text)
	}
	if len(images.took) > 0 {
		t.Errorf("the host took %q out of its own folder", images.took)
	}
}

func TestAServerWithoutImagesLooksIntoNoSourceOfThem(t *testing.T) {
	p := newPlatform(t)
	p.app.BuildStack = kigo.StackContainer
	loop, _ := p.start()
	id := p.push(map[string]string{"app.json": "{}"})
	var b kigo.Build
	must(t, p.store.View(t.Context(), func(tx *store.Tx) (err error) { b, err = tx.Build(id); return err }))
	if _, err := loop.Manifest(t.Context(), "look", p.app, b.Source); err == nil || !strings.Contains(err.Error(), "this server builds no Dockerfiles") {
		t.Errorf("%v", err)
	}
	p.eventually("nothing is left", func() bool { return len(p.leftovers()) == 0 })
}

func TestACancelledDockerfileLeavesNothing(t *testing.T) {
	testenv.NeedsProgram(t, "buildah")
	p := newPlatform(t)
	p.app.BuildStack = kigo.StackContainer
	p.config.Images = &builtImages{dir: p.stacks().Dir}
	loop, _ := p.start()
	id := p.push(dockerfile(t, "echo begun && sleep 1000"))
	loop.Mark(p.app.ID)
	p.awaitLine(id, "begun")
	if err := p.setStatus(t.Context(), id, kigo.BuildFailed); err != nil {
		t.Fatal(err)
	}
	if text := p.read(id); !strings.Contains(text, "Build canceled") {
		t.Errorf("%s", text)
	}
	p.eventually("nothing is left", func() bool { return len(p.leftovers()) == 0 })
}

func TestWhoCannotBuildDockerfilesIsTold(t *testing.T) {
	p := newPlatform(t)
	p.app.BuildStack = kigo.StackContainer
	p.config.Images = &builtImages{dir: p.stacks().Dir}
	loop, _ := p.start()
	refused := func(says string) {
		t.Helper()
		id := p.push(map[string]string{"heroku.yml": "build: {docker: {web: Dockerfile}}", "Dockerfile": "FROM scratch"})
		loop.Mark(p.app.ID)
		if text := p.read(id); !strings.Contains(text, says) {
			t.Errorf("%s", text)
		}
	}
	path := os.Getenv("PATH")
	t.Setenv("PATH", t.TempDir())
	refused("this server has no buildah, which builds Dockerfiles")
	t.Setenv("PATH", path)
	err := p.store.Update(t.Context(), func(tx *store.Tx) error { return tx.SetIsolation(p.app.ID, kigo.IsolationHardened) })
	if err != nil {
		t.Fatal(err)
	}
	refused("Your app has hardened isolation, with which Dockerfiles are not built")
}

func TestADockerfileBeginsAgainWithTheNextProcess(t *testing.T) {
	testenv.NeedsProgram(t, "buildah")
	p := newPlatform(t)
	p.app.BuildStack = kigo.StackContainer
	p.config.Images = &builtImages{dir: p.stacks().Dir}
	loop, stop := p.start()
	id := p.push(dockerfile(t, "echo begun && sleep 8"))
	loop.Mark(p.app.ID)
	p.awaitLine(id, "begun")
	stop()
	if end := p.end(id); end != "" {
		t.Fatalf("it ended with the first process: %s", end)
	}
	loop, _ = p.start()
	loop.Mark(p.app.ID)
	if text := p.read(id); strings.Count(text, "\nbegun\n") != 2 || p.end(id) != "succeeded" {
		t.Errorf("%s: %s", p.end(id), text)
	}
	p.eventually("nothing is left", func() bool { return len(p.leftovers()) == 0 })
}

// awaitLine reads a build's output until a line comes.
func (p *platform) awaitLine(id kigo.BuildID, line string) {
	p.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for !p.config.Output.Exists(string(id)) {
		wait(ctx, p)
	}
	r, err := p.config.Output.Open(ctx, string(id))
	if err != nil {
		p.Fatal(err)
	}
	defer r.Close()
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if lines.Text() == line {
			return
		}
	}
	p.Fatalf("no line %q came", line)
}
