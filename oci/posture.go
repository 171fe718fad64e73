package oci

import (
	"strings"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/dyno/shim"
)

// ErrUnconfined is the error of a launch that the runtime confined less than it was
// told. It was killed.
type ErrUnconfined struct{ Why string }

func (e *ErrUnconfined) Error() string { return e.Why }

// Unconfined marks the error for callers that do not import this package.
func (e *ErrUnconfined) Unconfined() {}

// posture is what the shim asserts of a launch from outside once it runs. It is
// made of the launch, not of its spec: a spec that loses something on its way is seen.
func (e *Engine) posture(l kigo.Launch) shim.Posture {
	p := shim.Posture{
		Files: fileLimit(), Memory: max(l.Memory, l.Most), Quota: int64(l.CPU.Quota) * 100, Shares: int64(l.CPU.Shares),
		OOMScore: oomScore(l.ID), Sandbox: l.Isolate == kigo.IsolationHardened,
	}
	if l.Builder {
		p.Builder, p.Capabilities = true, builderMask()
	}
	if l.Memory <= 0 {
		p.Memory = 0
	}
	if l.Pids > 0 {
		p.Pids = int64(l.Pids + shim.InitThreads)
	}
	return p
}

// oomScore makes the kernel take a dyno before anything of ours when memory is
// short, and a build before a dyno.
func oomScore(id kigo.DynoID) int {
	if strings.HasPrefix(string(id), "build-") {
		return 700
	}
	return 500
}
