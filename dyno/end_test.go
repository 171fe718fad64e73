package dyno

import (
	"testing"

	"github.com/kigo-dev/kigo"
)

func TestTheReasonOfAnEndNamesTheSignal(t *testing.T) {
	tests := map[string]kigo.RunStatus{
		"Process exited with status 1":             {ExitCode: 1},
		"Process exited with status 0":             {},
		"Process exited with status 137 (SIGKILL)": {ExitCode: 137},
		"Process exited with status 143 (SIGTERM)": {ExitCode: 143},
		"Process exited with status 139 (SIGSEGV)": {ExitCode: 139},
		"Process exited with status 255":           {ExitCode: 255},
		"Memory quota vastly exceeded":             {ExitCode: 137, OOM: true},
		"The machine ran out of memory":            {ExitCode: 137, OOM: true, Starved: true},
		"Boot timeout":                             {ExitCode: 137, BootTimedOut: true},
		"Lost":                                     {ExitCode: -1, State: kigo.RunLost, Reason: "its shim was killed"},
	}
	for want, run := range tests {
		if got := reason(run); got != want {
			t.Errorf("%+v: %q, want %q", run, got, want)
		}
	}
}
