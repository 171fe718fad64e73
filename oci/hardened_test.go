package oci_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/oci"
)

// standIn is a program in the place of gVisor's runsc: it keeps what it is given and
// has runc do the work.
func standIn(t *testing.T, runc, notes string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "runsc")
	write(t, path, `#!/bin/sh
[ "$1" = --version ] && echo "runsc version stand-in" && exit
echo "$@" >> `+notes+`/calls
for a; do
  [ "$before" = --bundle ] && cp "$a/config.json" `+notes+`/config.json
  before=$a
done
exec `+runc+` "$@"
`, 0o755)
	return path
}

func TestHardenedLaunchesGetTheSameSpecUnderTheOtherRuntime(t *testing.T) {
	t.Parallel()
	notes := t.TempDir()
	r := newRigWith(t, func(c *oci.Config) { c.Hardened = standIn(t, c.Runtime, notes) })
	l := r.launch("testapp", "serve")
	l.Port, l.Slug, l.Isolate = 5000, r.images.Slug, kigo.IsolationHardened
	r.start(l)
	if s := r.await(l.ID, kigo.RunReady); s.Address == "" {
		t.Errorf("status %+v", s)
	}
	var got, want specs.Spec
	given, err := os.ReadFile(filepath.Join(notes, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(given, &got); err != nil {
		t.Fatal(err)
	}
	stage := strings.TrimSuffix(got.Root.Path, "/root")
	standard := l
	standard.Isolate = ""
	text, err := json.Marshal(r.engine.Spec(standard, stage))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("spec (-standard +hardened):\n%s", diff)
	}
	conn, err := r.engine.Exec(t.Context(), l.ID, kigo.Exec{Command: []string{"echo", "inside"}, Env: l.Env})
	if err != nil {
		t.Fatal(err)
	}
	if line := lineReader(t, conn)(); line != "inside" {
		t.Errorf("exec: %q", line)
	}
	_ = conn.Close()
	if err := r.engine.Stop(t.Context(), l.ID); err != nil {
		t.Fatal(err)
	}
	if s := r.await(l.ID, kigo.RunExited); s.ExitCode != 143 && s.ExitCode != 2 {
		t.Errorf("end %+v", s)
	}
	calls, _ := os.ReadFile(filepath.Join(notes, "calls"))
	if n := strings.Count(string(calls), "\n"); n != 2 || !strings.Contains(string(calls), " run --detach ") || !strings.Contains(string(calls), " exec --detach ") {
		t.Errorf("the runtime was called %d times:\n%s", n, calls)
	}
	other := r.launch("testapp", "trap")
	r.start(other)
	if again, _ := os.ReadFile(filepath.Join(notes, "calls")); string(again) != string(calls) {
		t.Errorf("a standard launch called it, too:\n%s", again)
	}
}

func TestHardenedIsRefusedWhereThereIsNoRuntimeForIt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := r.launch("testapp", "trap")
	l.Isolate = kigo.IsolationHardened
	if err := r.engine.Start(context.Background(), l); err == nil || !strings.Contains(err.Error(), "--runsc PATH") {
		t.Errorf("start: %v", err)
	}
	for path, why := range map[string]string{"runsc": "absolute", r.config.Runtime: "is not gVisor's runsc", "/nowhere/runsc": "no such file"} {
		config := r.config
		config.Hardened = path
		if engine, err := oci.New(t.Context(), config); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", path, err)
			if engine != nil {
				engine.Close()
			}
		}
	}
}
