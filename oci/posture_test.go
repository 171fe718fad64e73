package oci_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo/internal/cgroup"
	"github.com/kigo-dev/kigo/internal/testenv"
	"github.com/kigo-dev/kigo/oci"
)

// TestARuntimeThatConfinesLessIsFoundOut puts a program in the runtime's place that
// changes the spec before the real one sees it, one thing at a time.
func TestARuntimeThatConfinesLessIsFoundOut(t *testing.T) {
	t.Parallel()
	testenv.NeedsProgram(t, "jq")
	filter := filepath.Join(t.TempDir(), "filter")
	write(t, filter, ".", 0o600)
	r := newRigWith(t, func(c *oci.Config) {
		wrapper := filepath.Join(t.TempDir(), "runc")
		write(t, wrapper, `#!/bin/sh
for a; do
  if [ "$before" = --bundle ]; then jq -c -f `+filter+` "$a/config.json" > "$a/changed" && cat "$a/changed" > "$a/config.json"; fi
  before=$a
done
exec `+c.Runtime+` "$@"
`, 0o755)
		c.Runtime = wrapper
	})
	for _, fault := range []struct{ change, complaint string }{
		{`.process.noNewPrivileges = false`, `NoNewPrivs is "0"`},
		{`del(.linux.seccomp)`, `Seccomp is "0"`},
		{`.process.capabilities.bounding = ["CAP_CHOWN"]`, `CapBnd is "0000000000000001"`},
		{`.process.user.uid = 0`, `Uid is`},
		{`.process.user.additionalGids = [7]`, `Groups is`},
		{`.linux.uidMappings[0].size = 65535`, `uid_map is`},
		{`.linux.gidMappings[0].size = 65535`, `gid_map is`},
		{`.process.oomScoreAdj = 0`, `oom_score_adj is "0"`},
		{`.process.rlimits |= map(select(.type != "RLIMIT_NOFILE"))`, `Max open files is`},
		{`.process.rlimits |= map(select(.type != "RLIMIT_MSGQUEUE"))`, `Max msgqueue size is`},
		{`.linux.namespaces |= map(select(.type != "ipc"))`, `it shares the host's ipc namespace`},
		{`.linux.namespaces |= map(select(.type != "cgroup"))`, `it shares the host's cgroup namespace`},
		{`.linux.namespaces |= map(if .type == "network" then del(.path) else . end)`, `it is not in its own network namespace`},
		{`.linux.cgroupsPath += "x"`, `it is not in its control group`},
		{`del(.linux.resources.memory)`, `its limit of memory is`},
		{`del(.linux.resources.pids)`, `its limit of processes is`},
		{`del(.linux.resources.cpu)`, `its limit of processor time is`},
	} {
		write(t, filter, fault.change, 0o600)
		l := r.launch("testapp", "trap")
		l.CPU.Shares, l.CPU.Quota = 1024, 500
		err := r.engine.Start(context.Background(), l)
		if strings.Contains(fault.change, "cgroupsPath") {
			group := cgroup.Find("/kigo_" + r.config.Instance + "/" + string(l.ID) + "x")
			if err := errors.Join(group.Kill(), group.Remove()); err != nil {
				t.Error(err)
			}
		}
		var open *oci.ErrUnconfined
		if !errors.As(err, &open) || !strings.Contains(err.Error(), fault.complaint) {
			t.Errorf("%s: error %v, want %q", fault.change, err, fault.complaint)
			r.end(l.ID)
			continue
		}
		if group := cgroup.Find("/kigo_" + r.config.Instance + "/" + string(l.ID)); len(group.Processes()) > 0 || group.Exists() {
			t.Errorf("%s: something of the dyno is left", fault.change)
		}
	}
	write(t, filter, ".", 0o600)
	l := r.launch("testapp", "trap")
	l.CPU.Shares, l.CPU.Quota = 1024, 500
	r.start(l)
	r.awaitLine(l.ID, "ready")
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}
