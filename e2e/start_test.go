package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kigo-dev/kigo/internal/testenv"
)

// startServerWith runs `kigo server` to its end with a data folder of its own.
func startServerWith(t *testing.T, flags ...string) (output string, err error) {
	t.Helper()
	testenv.NeedsRoot(t)
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "start-") // t.TempDir has a path that is too long for sockets, as the test's name
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	args := append([]string{"server", "--data", filepath.Join(dir, "data"), "--api", "127.0.0.1:0", "--http", "127.0.0.1:0",
		"--https", "127.0.0.1:0", "--rendezvous", "127.0.0.1:0", "--stack-size", "small",
		"--stack-cache", filepath.Join(root, ".cache", "stacks")}, flags...)
	out, err := exec.CommandContext(ctx, filepath.Join(root, "bin", "kigo"), args...).CombinedOutput()
	if ctx.Err() != nil {
		t.Fatalf("the server did not end:\n%s", out)
	}
	return string(out), err
}

func TestAServerThatCannotStartEndsAndSaysWhy(t *testing.T) {
	for _, tt := range []struct {
		name  string
		flags []string
		says  []string
	}{
		{"no container runtime", []string{"--runtime", "/nowhere/runc"}, []string{"/nowhere/runc", "control does not start"}},
		{"a database that nobody serves", []string{"--database", "postgres://kigo@127.0.0.1:1/kigo?connect_timeout=2"},
			[]string{"127.0.0.1", "control does not start"}},
		{"an address that is not of this machine", []string{"--http", "192.0.2.77:80"}, []string{"--http 192.0.2.77:80"}},
		{"a data folder with a blank", []string{"--data", "/srv/my apps"}, []string{`--data "/srv/my apps"`, "not every part can take"}},
		{"a network that is none", []string{"--network", "10.0.0.0/8"}, []string{"--network", "/16 to /24"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out, err := startServerWith(t, tt.flags...)
			if err == nil {
				t.Errorf("the server ended as if all were well:\n%s", out)
			}
			for _, want := range tt.says {
				if !strings.Contains(out, want) {
					t.Errorf("the server does not say %q:\n%s", want, out)
				}
			}
		})
	}
}
