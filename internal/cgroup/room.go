package cgroup

// Room is how much memory all groups together may have where this machine is
// itself in a group with a limit, such as a container, and how much of it is
// free without pushing out what runs. limited is false where there is no limit.
func Room() (total, free int64, limited bool) { return Find("/").Room() }

// Room is what a limit on the group, if there is one, leaves of the machine: in all, and
// free or only filled with what can be read from disk again. Bytes.
func (g Group) Room() (total, free int64, limited bool) {
	total = limit(g.file("memory", "memory.limit_in_bytes"))
	usage, prefix := g.file("memory", "memory.usage_in_bytes"), "total_"
	if g.v2 {
		total, usage, prefix = limit(g.file("", "memory.max")), g.file("", "memory.current"), ""
	}
	if total < 0 || total > 1<<62 { // how version 1 writes that there is none
		return 0, 0, false
	}
	stat, err := table(g.file("memory", "memory.stat"))
	if err != nil {
		return 0, 0, false
	}
	files := stat[prefix+"inactive_file"] + stat[prefix+"active_file"]
	return total, min(total, max(0, total-number(usage)+files)), true
}

// Starved reports whether the group never came near its own limit of memory: what
// the kernel killed in it, it killed for want of memory further up.
func (g Group) Starved() bool {
	s, err := g.Stats()
	own := limit(g.file("memory", "memory.limit_in_bytes")) // without swap, as the peak is
	if g.v2 {
		own = limit(g.file("", "memory.max"))
	}
	return err == nil && s.Peak > 0 && (own < 0 || s.Peak < own/100*95)
}
