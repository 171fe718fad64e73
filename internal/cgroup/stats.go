package cgroup

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Stats is what a group uses now. Memory is in bytes.
type Stats struct {
	RSS, Cache, Swap, Peak int64
	PagesIn, PagesOut      int64         // charged and given back since the start; 0 in version 2, which does not tell
	CPU                    time.Duration // user and system since the start
	Pids                   int           // threads count
}

// Stats reads the group's usage.
func (g Group) Stats() (Stats, error) {
	memory, err := table(g.file("memory", "memory.stat"))
	if err != nil {
		return Stats{}, fmt.Errorf("read control group: %w", err)
	}
	s := Stats{Pids: int(number(g.file("pids", "pids.current")))}
	if g.v2 {
		cpu, _ := table(g.file("", "cpu.stat"))
		s.RSS, s.Cache = memory["anon"], memory["file"]
		s.Swap, s.Peak = number(g.file("", "memory.swap.current")), number(g.file("", "memory.peak"))
		s.CPU = time.Duration(cpu["usage_usec"]) * time.Microsecond
		return s, nil
	}
	s.RSS, s.Cache, s.Swap = memory["total_rss"], memory["total_cache"], memory["total_swap"]
	s.PagesIn, s.PagesOut = memory["total_pgpgin"], memory["total_pgpgout"]
	s.Peak = number(g.file("memory", "memory.max_usage_in_bytes"))
	s.CPU = time.Duration(number(g.file("cpuacct", "cpuacct.usage")))
	return s, nil
}

// OOMKills counts the processes of the group that the kernel killed for memory;
// 0 when it cannot be told.
func (g Group) OOMKills() int {
	name := "memory.oom_control"
	if g.v2 {
		name = "memory.events"
	}
	events, _ := table(g.file("memory", name))
	return int(events["oom_kill"])
}

// table reads lines of a name and a number.
func table(path string) (map[string]int64, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	values := map[string]int64{}
	for line := range strings.Lines(string(data)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			values[name] = n
		}
	}
	return values, nil
}

func number(path string) int64 {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64)
	return n
}
