package priority

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestMain is the process that takes less priority, when it is asked to.
func TestMain(m *testing.M) {
	if os.Getenv("PRIORITY_TEST") == "" {
		os.Exit(m.Run())
	}
	before := Now()
	if err := Set(before + 3); err != nil {
		panic(err)
	}
	if now := Now(); now != before+3 {
		panic(now)
	}
	out, err := exec.Command("nice").Output() // which prints what it has
	if err != nil {
		panic(err)
	}
	_, _ = os.Stdout.Write(out)
}

func TestAPriorityHoldsForWhatIsStartedNext(t *testing.T) {
	before, err := exec.Command("nice").Output()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), "PRIORITY_TEST=1")
	after, err := cmd.Output()
	if err != nil || string(after) == string(before) || strings.TrimSpace(string(after)) == "" {
		t.Errorf("it was %q and is %q, %v", before, after, err)
	}
}
