package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/kigo-dev/kigo/internal/killpoint"
)

// steps are how long after their beginning several runs of the same came by each named
// step. They are read from the file that KIGO_STEP_LOG names, if it does.
type steps map[string][]time.Duration

// add reads the steps of one run.
func (s *steps) add(began, ended time.Time) {
	data, err := os.ReadFile(os.Getenv(killpoint.LogVariable))
	if err != nil {
		return
	}
	if *s == nil {
		*s = steps{}
	}
	for line := range strings.Lines(string(data)) {
		var at, pid int64
		var name string
		if _, err := fmt.Sscan(line, &at, &pid, &name); err != nil || at < began.UnixNano() || at > ended.UnixNano() {
			continue
		}
		(*s)[name] = append((*s)[name], time.Duration(at-began.UnixNano()))
	}
	(*s)["answered"] = append((*s)["answered"], ended.Sub(began))
}

// print shows the medians in their order: a part of the whole shows on a busy machine, too.
func (s steps) print() {
	var lines []string
	for name, all := range s {
		slices.Sort(all)
		lines = append(lines, fmt.Sprintf("%8.1f ms %3d times %s", float64(all[len(all)/2].Microseconds())/1000, len(all), name))
	}
	slices.Sort(lines)
	for _, line := range lines {
		fmt.Fprintln(os.Stderr, line)
	}
}
