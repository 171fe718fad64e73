// Package stacktest gives tests a real stack: the small one, built once per
// machine and shared by all of them. Start with Small.
package stacktest

import (
	"cmp"
	"os"
	"testing"

	"github.com/kigo-dev/kigo/internal/testenv"
	"github.com/kigo-dev/kigo/stack"
)

// DefaultCache is where tests keep the built image unless KIGO_STACK_CACHE says
// otherwise.
const DefaultCache = "/var/tmp/kigo-stacks"

// Cache is the folder of built images that tests and the demo share.
func Cache() string { return cmp.Or(os.Getenv("KIGO_STACK_CACHE"), DefaultCache) }

// Small returns a store in a folder of its own with the small stack in both
// variants under stack.DefaultName. The first test of a machine takes the time
// to build it, about half a minute; the others take a link.
func Small(t testing.TB) *stack.Store {
	t.Helper()
	return Into(t, t.TempDir())
}

// Into is Small for a folder that the test chose.
func Into(t testing.TB, dir string) *stack.Store {
	t.Helper()
	testenv.NeedsRoot(t)
	testenv.NeedsProgram(t, "mmdebstrap")
	for _, variant := range []string{stack.VariantRun, stack.VariantBuild} {
		_, err := stack.Build(t.Context(), stack.Options{
			Variant: variant, Size: stack.SizeSmall, Dir: dir, Cache: Cache(), Progress: t.Output(),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return &stack.Store{Dir: dir}
}
