// Package cgroup reads and ends control groups that the OCI runtime has made,
// on hosts with cgroup v1 (also beside an empty v2 hierarchy) and with v2. It
// knows the ten files that Kigo needs and no more; limits are the runtime's
// work. It imports the standard library and x/sys only. Start reading at Find.
package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const root = "/sys/fs/cgroup"

// Group is one control group: a folder in the one v2 hierarchy, or a folder of
// the same name in each v1 hierarchy.
type Group struct {
	root    string   // where the hierarchies are mounted
	path    string   // as in an OCI spec: absolute, below the hierarchies' roots
	v2      bool     // memory, cpu and pids are in v2
	folders []string // of all hierarchies, whether or not the group is in them
}

// Find returns the group at path; it need not exist.
func Find(path string) Group {
	g := Group{root: root, path: path, v2: Unified()}
	for _, h := range hierarchies() {
		g.folders = append(g.folders, filepath.Join(h, path))
	}
	return g
}

// Unified reports whether this host has cgroup v2 alone.
func Unified() bool {
	var st unix.Statfs_t
	return unix.Statfs(root, &st) == nil && uint32(st.Type) == unix.CGROUP2_SUPER_MAGIC
}

// hierarchies are the mount points of all hierarchies.
var hierarchies = sync.OnceValue(func() []string {
	if Unified() {
		return []string{root}
	}
	entries, _ := os.ReadDir(root)
	var found []string
	for _, e := range entries {
		if e.IsDir() { // cpu and cpuacct may be links to cpu,cpuacct
			found = append(found, filepath.Join(root, e.Name()))
		}
	}
	return found
})

// file is the path of a file of a v1 controller or, with v2, of the one folder.
func (g Group) file(controller, name string) string {
	if g.v2 {
		return filepath.Join(g.root, g.path, name)
	}
	return filepath.Join(g.root, controller, g.path, name)
}

// Processes lists the pids of all processes in the group, as far as any of its
// hierarchies knows them.
func (g Group) Processes() []int {
	seen := map[int]bool{}
	var pids []int
	for _, folder := range g.folders {
		data, err := os.ReadFile(filepath.Join(folder, "cgroup.procs"))
		if err != nil {
			continue
		}
		for _, word := range strings.Fields(string(data)) {
			if pid, err := strconv.Atoi(word); err == nil && pid > 0 && !seen[pid] {
				seen[pid] = true
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// Exists reports whether any hierarchy has the group.
func (g Group) Exists() bool {
	for _, folder := range g.folders {
		if _, err := os.Stat(folder); err == nil {
			return true
		}
	}
	return false
}

// Kill kills all processes of the group and waits until they are gone.
func (g Group) Kill() error {
	deadline := time.Now().Add(10 * time.Second)
	for {
		pids := g.Processes()
		if len(pids) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("kill control group %s: %d processes remain", g.path, len(pids))
		}
		for _, pid := range pids {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// Remove deletes the group, which must have no processes; the kernel may need a
// moment to see that.
func (g Group) Remove() error {
	var errs []error
	for _, folder := range g.folders {
		if err := remove(folder); err != nil {
			errs = append(errs, fmt.Errorf("remove control group: %w", err))
		}
	}
	return errors.Join(errs...)
}

func remove(folder string) error {
	deadline := time.Now().Add(5 * time.Second)
	for {
		err := os.Remove(folder)
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if !errors.Is(err, unix.EBUSY) || time.Now().After(deadline) {
			return err
		}
		time.Sleep(time.Millisecond)
	}
}
