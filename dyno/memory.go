package dyno

import (
	"context"
	"fmt"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

// A dyno may use up to hardFactor times its size's memory before it is killed
// (R15); above its size alone it is told so every memoryEvery (R14).
const (
	hardFactor  = 2
	memoryEvery = 20 * time.Second
)

// almostFull is how many thousandths of its disk or of its files a dyno has used
// when it is told.
const almostFull = 990

// watchMemory looks at every dyno's memory until ctx is done.
func (a *Agent) watchMemory(ctx context.Context) {
	tick := time.NewTicker(memoryEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := a.checkMemory(ctx); err != nil && ctx.Err() == nil {
			a.Log.WarnContext(ctx, "check memory", "err", err)
		}
	}
}

// checkMemory says R14 for each dyno above its quota. What the kernel keeps of
// files on a dyno's behalf does not count: it gives that up when it must.
func (a *Agent) checkMemory(ctx context.Context) error {
	var dynos []kigo.Dyno
	err := a.Store.View(ctx, func(tx *store.Tx) (err error) {
		dynos, err = tx.AllDynos()
		return err
	})
	if err != nil {
		return fmt.Errorf("list dynos: %w", err)
	}
	for _, d := range dynos {
		size, err := kigo.FindSize(d.Size)
		if err != nil || d.State != kigo.DynoUp {
			continue
		}
		u, err := a.Engine.Stats(ctx, RunID(d))
		if err != nil {
			continue // it has just ended
		}
		if used := u.MemoryRSS + u.MemorySwap; used > size.Memory {
			a.say(d, "%s", memoryLine(used, size.Memory))
			a.say(d, "Error R14 (Memory quota exceeded)")
		}
		if line := diskLine(u); line != "" {
			a.say(d, "%s", line)
		}
	}
	return nil
}

// memoryLine is how Heroku's dyno manager tells of a dyno's memory.
func memoryLine(used, quota int64) string {
	return fmt.Sprintf("Process running mem=%dM(%.1f%%)", used>>20, 100*float64(used)/float64(quota))
}

// diskLine tells of a disk that is full; empty when it is not.
func diskLine(u kigo.RunStats) string {
	if u.DiskSize == 0 || u.Disk*1000 < u.DiskSize*almostFull && u.Files*1000 < u.MaxFiles*almostFull {
		return ""
	}
	return fmt.Sprintf("Disk quota exceeded: /app and /tmp hold %dM of %dM and %d of %d files", u.Disk>>20, u.DiskSize>>20, u.Files, u.MaxFiles)
}
