package killpoint

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestMain passes by two steps when it is the process to kill.
func TestMain(m *testing.M) {
	if os.Getenv(Variable) != "" {
		At("first")
		_, _ = os.Stdout.WriteString("passed first\n")
		At("second")
		_, _ = os.Stdout.WriteString("passed second\n")
		return
	}
	os.Exit(m.Run())
}

func TestAProcessDiesAtTheStepThatTheFileNamesAndOnlyOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "at")
	run := func() (string, *os.ProcessState) {
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = append(os.Environ(), Variable+"="+file)
		out, _ := cmd.Output()
		return string(out), cmd.ProcessState
	}
	if err := os.WriteFile(file, []byte("second\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, state := run()
	if status := state.Sys().(syscall.WaitStatus); out != "passed first\n" || status.Signal() != syscall.SIGKILL {
		t.Errorf("said %q and ended with %v", out, state)
	}
	if out, state := run(); out != "passed first\npassed second\n" || !state.Success() {
		t.Errorf("the second one said %q and ended with %v", out, state)
	}
}

func TestABenchmarkLearnsWhichStepsWerePassed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log")
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), Variable+"="+filepath.Join(t.TempDir(), "at"), LogVariable+"="+file)
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if err != nil || len(lines) != 2 || !strings.HasSuffix(lines[0], " first") || !strings.HasSuffix(lines[1], " second") {
		t.Errorf("%q, %v", text, err)
	}
}

func TestWithoutTheVariableNothingIsPassedOnAndNothingDies(t *testing.T) {
	At("first")
	if env := Environment(); env != nil {
		t.Errorf("environment %q", env)
	}
}
