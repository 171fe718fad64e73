package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo/client"
)

// clean waits until the machine holds nothing of this server's dynos but what
// belongs to those of the named apps.
func (s *server) clean(t *testing.T, apps ...string) {
	t.Helper()
	c := s.client(t)
	eventually(t, "nothing to be left over", func() error {
		var live []client.Dyno
		for _, app := range apps {
			dynos, err := c.Dynos(t.Context(), app)
			if err != nil {
				return err
			}
			live = append(live, dynos...)
		}
		return s.leftovers(t, live)
	})
}

// leftovers compares what there is with what there should be: one of each kind
// for each dyno.
func (s *server) leftovers(t *testing.T, live []client.Dyno) error {
	t.Helper()
	var ids []string
	for _, d := range live {
		ids = append(ids, d.ID)
	}
	slices.Sort(ids)
	instance, err := os.ReadFile(filepath.Join(s.data, "instance"))
	if err != nil {
		return err
	}
	id := strings.TrimSpace(string(instance))
	for what, have := range map[string][]string{
		"folders":        s.dynosIn(s.data + "/dynos/*"),
		"control groups": s.dynosIn("/sys/fs/cgroup/*/kigo_"+id+"/*/cgroup.procs", "/sys/fs/cgroup/kigo_"+id+"/*/cgroup.procs"),
		"processes":      s.keepers(),
	} {
		if !slices.Equal(slices.Compact(have), ids) {
			return fmt.Errorf("%s of %q, the dynos are %q", what, have, ids)
		}
	}
	if hidden, _ := filepath.Glob(s.data + "/dynos/.*-*"); len(hidden) > 0 {
		return fmt.Errorf("folders %q", hidden)
	}
	if links, _ := filepath.Glob("/sys/class/net/kg" + id + "-*"); len(links) != len(ids) {
		return fmt.Errorf("links %q, there are %d dynos", links, len(ids))
	}
	return s.strays(ids)
}

// dynosIn are the dynos, sorted, that paths are named after: ID-RESTARTS.
func (s *server) dynosIn(patterns ...string) (ids []string) {
	for _, pattern := range patterns {
		paths, _ := filepath.Glob(pattern)
		for _, path := range paths {
			ids = append(ids, dynoOf(strings.TrimSuffix(path, "/cgroup.procs")))
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// dynoOf is the dyno of a path that ends in the id of one of its launches.
func dynoOf(path string) string {
	name := filepath.Base(path)
	if i := strings.LastIndexByte(name, '-'); i >= 0 && !strings.HasPrefix(name, ".") {
		name = name[:i]
	}
	return name
}

// keepers are the dynos whose shims run, one entry for each shim.
func (s *server) keepers() (ids []string) {
	for _, k := range s.shims() {
		ids = append(ids, k.dyno)
	}
	slices.Sort(ids)
	return ids
}

// keeper is a running shim.
type keeper struct {
	pid          int
	dyno, folder string
}

// shims are all that run.
func (s *server) shims() (all []keeper) {
	lists, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, list := range lists {
		line, _ := os.ReadFile(list)
		words := strings.Split(strings.TrimRight(string(line), "\x00"), "\x00")
		folder := words[len(words)-1]
		if len(words) == 3 && words[1] == "shim" && filepath.Dir(folder) == s.data+"/dynos" {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(list)))
			all = append(all, keeper{pid, dynoOf(folder), folder})
		}
	}
	return all
}

func readJSON(path string, v any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}

// strays looks for mounts and loop devices of dynos that are not there, in every
// mount namespace that some process has.
func (s *server) strays(ids []string) error {
	known := func(text string) bool {
		return slices.ContainsFunc(ids, func(id string) bool { return strings.Contains(text, id) })
	}
	folder := s.data + "/dynos/"
	tables, _ := filepath.Glob("/proc/[0-9]*/mountinfo")
	for _, table := range tables {
		mounts, _ := os.ReadFile(table)
		for line := range strings.Lines(string(mounts)) {
			if strings.Contains(line, folder) && !known(line) {
				return fmt.Errorf("mount in %s: %s", table, line)
			}
		}
	}
	devices, _ := filepath.Glob("/sys/block/loop*/loop/backing_file")
	for _, device := range devices {
		if file, _ := os.ReadFile(device); strings.Contains(string(file), folder) && !known(string(file)) {
			return fmt.Errorf("device %s: %s", device, file)
		}
	}
	return nil
}
