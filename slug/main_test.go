package slug

import (
	"os"
	"testing"
)

// The test's own binary is the child, as kigo's is in production.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == Verb {
		os.Exit(PackMain(os.Args[2:]))
	}
	os.Exit(m.Run())
}
