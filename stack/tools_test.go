package stack_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/internal/testenv"
	"github.com/kigo-dev/kigo/stack"
)

// The root for Dockerfiles is made once, and is found as the build variant of its stack.
func TestTheRootForDockerfilesIsMadeOnce(t *testing.T) {
	testenv.NeedsRoot(t)
	testenv.NeedsProgram(t, "buildah")
	dir := t.TempDir()
	first, err := stack.Tools(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	store := &stack.Store{Dir: dir}
	image, _, err := store.Image(kigo.StackContainer, stack.VariantBuild)
	if err != nil || image != first {
		t.Errorf("found %v, %v; made %v", image, err, first)
	}
	if again, err := stack.Tools(t.Context(), dir); err != nil || again != first {
		t.Errorf("again: %v, %v", again, err)
	}
}

// A builder that is linked with nothing is as good as another, and builds that begin at
// once find the same root.
func TestTheRootForDockerfilesOfAStaticBuilderIsMadeOnceForAllWhoAsk(t *testing.T) {
	testenv.NeedsRoot(t)
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "main.go"), []byte("package main\n\nfunc main() {}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(bin, "buildah"), filepath.Join(bin, "main.go"))
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	ldd, err := exec.LookPath("ldd")
	if err != nil {
		t.Fatal(err)
	}
	alone := "#!/bin/sh\nmkdir " + bin + "/busy || : > " + bin + "/two\n" + ldd + " \"$@\"\nstatus=$?\nrmdir " + bin + "/busy\nexit $status\n"
	if err := os.WriteFile(filepath.Join(bin, "ldd"), []byte(alone), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	dir := t.TempDir()
	var made [4]kigo.Image
	var all errgroup.Group
	for i := range made {
		all.Go(func() (err error) {
			made[i], err = stack.Tools(t.Context(), dir)
			return err
		})
	}
	if err := all.Wait(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(bin, "two")); err == nil {
		t.Error("two looked for the root at once")
	}
	for _, image := range made {
		if image != made[0] {
			t.Errorf("made more than once: %v", made)
			break
		}
	}
}

func TestAMachineWithoutBuildahIsTold(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := stack.Tools(t.Context(), t.TempDir()); !errors.Is(err, stack.ErrNoBuildah) {
		t.Errorf("%v", err)
	}
}
