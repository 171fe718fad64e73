package slug

import (
	"fmt"
	"math"
	"runtime/debug"

	"golang.org/x/sys/unix"
)

// bounds are the most that a child may use, whatever a tenant's bytes make it do.
type bounds struct {
	memory int64 // bytes it may write to
	file   int64 // bytes of a file it writes
	cpu    int64 // seconds
}

// boundsOf says what each verb needs at most. A million files need 1 GB to be
// packed, and 1.9 GB to be flattened when the collector takes its time; an export
// keeps one folder's names.
func boundsOf(verb string) bounds {
	switch verb {
	case verbLayers:
		return bounds{memory: 2560 << 20, file: maxImageBytes + 1<<30, cpu: 1800}
	case verbExport:
		return bounds{memory: 768 << 20, file: math.MaxInt64, cpu: 1800} // a stream has no size of its own
	}
	return bounds{memory: 1536 << 20, file: maxBytes + 1<<30, cpu: 900}
}

// keep has the kernel hold this process to them: it cannot lift them again. The
// collector begins to work harder at two thirds of the memory.
func (b bounds) keep() error {
	debug.SetMemoryLimit(b.memory * 2 / 3)
	for _, limit := range []struct {
		resource int
		value    int64
	}{{unix.RLIMIT_DATA, b.memory}, {unix.RLIMIT_FSIZE, b.file}, {unix.RLIMIT_CPU, b.cpu}, {unix.RLIMIT_CORE, 0}} {
		v := uint64(limit.value)
		if err := unix.Setrlimit(limit.resource, &unix.Rlimit{Cur: v, Max: v}); err != nil {
			return fmt.Errorf("limit the child's resource %d to %d: %w", limit.resource, v, err)
		}
	}
	return nil
}
