package cli_test

import (
	"strings"
	"testing"
)

// The official command line drops what it cannot read, and prints the scale as it was.
func TestAScaleThatIsNoneIsRefusedByName(t *testing.T) {
	f := newFake(t)
	env := environment(t, f)
	for _, bad := range []string{"web=-1", "web=abc", "web=1.5", "nonsense", "web=", "=1", "web=1:"} {
		out, errs, code := kigo(t, env, "", "ps:scale", "worker=1", bad, "-a", "myapp")
		if code != 2 || out != "" || !strings.Contains(errs, "Error: "+bad+" is no change of scale") {
			t.Errorf("%s: status %d, %q, %q", bad, code, out, errs)
		}
	}
}
