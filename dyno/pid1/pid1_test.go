package pid1

import (
	"os"
	"path/filepath"
	"testing"
)

func TestLookupFollowsPathAsAShellDoes(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, mode os.FileMode) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("run", 0o755)
	write("text", 0o644)
	for _, c := range []struct {
		name, path, want string
		status           int
	}{
		{"run", "/nowhere:" + dir, dir + "/run", 0},
		{"run", "/nowhere", "", notFound},
		{"text", dir, "", notExecutable},
		{dir + "/run", "", dir + "/run", 0},
		{dir + "/text", "", "", notExecutable},
		{dir, "", "", notExecutable},
		{dir + "/none", "", "", notFound},
	} {
		got, status := lookup(c.name, c.path)
		if got != c.want || status != c.status {
			t.Errorf("lookup(%q, %q) = %q, %d; want %q, %d", c.name, c.path, got, status, c.want, c.status)
		}
	}
}

func TestAMissingCommandEndsAsInAShell(t *testing.T) {
	if got := Run([]string{"/no/such/program"}); got != notFound {
		t.Errorf("Run of a missing program = %d, want %d", got, notFound)
	}
}
