package cgroup

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// MakeReady spends a wait that whoever puts a process into a group would else spend: writers
// of the kernel's lock over that wait for a grace period of RCU, ten milliseconds and more,
// but for those that come just after another. So it tells the kernel that this process
// shall be in a group where it is, which changes nothing. An error is no reason to do anything else.
func MakeReady() error {
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(ownFolder(string(own), Unified()), "cgroup.procs"), []byte(strconv.Itoa(os.Getpid())), 0)
}

// ownFolder is where the group of a process is, of which /proc tells: its only one, or one of v1's.
func ownFolder(own string, v2 bool) string {
	for line := range strings.Lines(own) {
		_, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		controllers, path, _ := strings.Cut(rest, ":")
		if v2 && controllers == "" {
			return filepath.Join(root, path)
		}
		if folder := filepath.Join(root, controllers, path); !v2 && controllers == "pids" {
			return folder
		}
	}
	return root
}
