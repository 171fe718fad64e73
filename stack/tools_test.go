package stack_test

import (
	"errors"
	"testing"

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

func TestAMachineWithoutBuildahIsTold(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := stack.Tools(t.Context(), t.TempDir()); !errors.Is(err, stack.ErrNoBuildah) {
		t.Errorf("%v", err)
	}
}
