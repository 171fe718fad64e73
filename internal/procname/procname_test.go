package procname_test

import (
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo/internal/procname"
)

func TestAThreadsNameIsSeenFromOutside(t *testing.T) {
	runtime.LockOSThread() // and never unlocked: the thread goes with its name
	if procname.Has(os.Getpid(), "a-test-ready") {
		t.Error("it has a name that nobody gave")
	}
	if err := procname.Set("a-test-ready"); err != nil {
		t.Fatal(err)
	}
	if !procname.Has(os.Getpid(), "a-test-ready") || procname.Has(os.Getpid(), "a-test") || procname.Has(os.Getpid(), "") {
		t.Error("it has not the name that it was given")
	}
	if err := procname.Set("a\x00b"); err == nil || !strings.Contains(err.Error(), "name thread") {
		t.Errorf("a name that is none: %v", err)
	}
	if procname.Has(1<<30, "a-test-ready") {
		t.Error("there is no such process")
	}
}
