package cgroup

import (
	"os"
	"strconv"
	"strings"
)

// Limits are what a group is bounded by. None is -1.
type Limits struct {
	Memory int64 // bytes, swap among them
	Pids   int64
	Quota  int64 // microseconds of processor time in each 100,000
	Shares int64 // weight; -1 in version 2, which counts otherwise
}

// Limits reads what the kernel holds the group to.
func (g Group) Limits() Limits {
	if g.v2 {
		l := Limits{Memory: limit(g.file("", "memory.max")), Pids: limit(g.file("", "pids.max")), Quota: limit(g.file("", "cpu.max")), Shares: -1}
		if swap := limit(g.file("", "memory.swap.max")); l.Memory >= 0 && swap > 0 {
			l.Memory += swap
		}
		return l
	}
	l := Limits{
		Memory: limit(g.file("memory", "memory.limit_in_bytes")), Pids: limit(g.file("pids", "pids.max")),
		Quota: limit(g.file("cpu", "cpu.cfs_quota_us")), Shares: limit(g.file("cpu", "cpu.shares")),
	}
	if sum := limit(g.file("memory", "memory.memsw.limit_in_bytes")); sum > l.Memory {
		l.Memory = sum
	}
	if l.Memory > 1<<62 { // how version 1 writes that there is none
		l.Memory = -1
	}
	return l
}

// limit reads the first word of a file.
func limit(path string) int64 {
	data, err := os.ReadFile(path)
	if err != nil {
		return -1
	}
	word, _, _ := strings.Cut(strings.TrimSpace(string(data)), " ")
	n, err := strconv.ParseInt(word, 10, 64)
	if err != nil { // "max"
		return -1
	}
	return n
}
