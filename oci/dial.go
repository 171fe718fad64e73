package oci

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/dyno/shim"
	"github.com/kigo-dev/kigo/network"
)

// Dial connects by TCP as a process of the launch would: its own
// loopback is that of the launch, and the packet filter holds for the rest.
func (e *Engine) Dial(ctx context.Context, id kigo.DynoID, to netip.AddrPort) (net.Conn, error) {
	s, err := e.Status(ctx, id)
	if err != nil {
		return nil, err
	}
	if s.Ended() || s.Pid == 0 {
		return nil, kigo.Conflict("Dyno %s is not running.", id)
	}
	space, err := e.space(id)
	if err != nil {
		return nil, err
	}
	defer space.Close()
	return network.Dial(ctx, space, to)
}

// space opens the network namespace of a launch. It is found by process 1: the pid
// and its start name that for ever.
func (e *Engine) space(id kigo.DynoID) (*os.File, error) {
	var s shim.State
	if err := shim.ReadJSON(e.bundle(id), shim.StateFile, &s); err != nil {
		return nil, err
	}
	space, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", s.Pid))
	if err != nil {
		return nil, err
	}
	if shim.ProcessStart(s.Pid) != s.PidStart {
		_ = space.Close()
		return nil, fmt.Errorf("process %d is another one", s.Pid)
	}
	return space, nil
}
