package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/kigo-dev/kigo/bench/platform"
)

// perDyno is what one dyno holds in memory, in MiB and proportionally, which counts
// shared pages once: the shim and process 1, which are the platform's, and the app's own
// processes.
func perDyno(s *platform.Server) (shim, init, process float64, err error) {
	states, _ := filepath.Glob(filepath.Join(s.Data, "dynos", "*", "state.json"))
	n := 0
	for _, file := range states {
		var state struct{ ShimPid, Pid int }
		data, err := os.ReadFile(file)
		if err != nil || json.Unmarshal(data, &state) != nil || state.Pid == 0 {
			continue
		}
		n++
		_, p := platform.Memory(state.ShimPid)
		shim += mib(p)
		_, p = platform.Memory(state.Pid)
		init += mib(p)
		for _, pid := range children(state.Pid) {
			_, p = platform.Memory(pid)
			process += mib(p)
		}
	}
	if n == 0 {
		return 0, 0, 0, fmt.Errorf("no dyno runs in %s", s.Data)
	}
	return shim / float64(n), init / float64(n), process / float64(n), nil
}

func children(pid int) (pids []int) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		data, _ := os.ReadFile(list)
		for field := range strings.FieldsSeq(string(data)) {
			var child int
			if _, err := fmt.Sscan(field, &child); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}
