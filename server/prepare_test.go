package server

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo/config"
	"github.com/kigo-dev/kigo/stack"
	"github.com/kigo-dev/kigo/stack/stacktest"
)

func TestAStackOfAnotherSizeStaysAndIsSpokenOf(t *testing.T) {
	cfg := config.Config{Data: t.TempDir(), Stack: stack.DefaultName, StackSize: stack.SizeFull}
	stacktest.Into(t, filepath.Join(cfg.Data, "stacks"))
	for size, want := range map[string]string{
		stack.SizeFull:  "The stack heroku-22 here is small, not full, and stays so until you run: kigo stack build --stack-size full --data " + cfg.Data + "\n",
		stack.SizeSmall: "",
	} {
		var out strings.Builder
		cfg.StackSize = size
		if err := ensureStack(t.Context(), cfg, &out); err != nil {
			t.Fatal(err)
		}
		if out.String() != want {
			t.Errorf("%s: it said %q, want %q", size, &out, want)
		}
	}
}
