package shim

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo/internal/cgroup"
)

// watchMemory ends the dyno when the kernel has killed one of its processes for
// memory: half a dyno serves nobody. Version 2 does that by itself (memory.oom.group).
func (k *keeper) watchMemory() {
	group := cgroup.Find(k.order.Cgroup)
	events, err := group.OOMEvents()
	if err != nil {
		return
	}
	defer events.Close()
	count := make([]byte, 8)
	for {
		if _, err := events.Read(count); err != nil {
			return
		}
		if s, _ := k.now(); s.Phase == Exited {
			return
		}
		for range 100 { // the event comes before the kill, and also at the group's end
			if group.OOMKills() > 0 {
				k.signal(unix.SIGKILL)
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}
