package oci

import (
	"context"
	"net/netip"
	"slices"

	"github.com/kigo-dev/kigo"
)

// repair makes the packet filter true again, and connects launches whose link
// somebody deleted. They run on meanwhile, cut off from everybody.
func (e *Engine) repair(ctx context.Context) {
	if err := e.RefreshEgress(ctx); err != nil && ctx.Err() == nil {
		e.config.Log.Error("packet filter cannot be ensured", "error", err)
	}
	running := map[netip.Addr]kigo.DynoID{}
	var addresses []netip.Addr
	for _, s := range e.table.all() {
		address, err := netip.ParseAddr(s.Address)
		if err == nil && s.Pid != 0 && !s.Ended() {
			running[address] = s.ID
			addresses = append(addresses, address)
		}
	}
	broken, err := e.network.Broken(addresses)
	if err != nil {
		e.config.Log.Error("links of dynos cannot be checked", "error", err)
	}
	for _, address := range addresses {
		if !slices.Contains(broken, address) && e.emptied(running[address], address) {
			broken = append(broken, address)
		}
	}
	for _, address := range broken {
		switch err := e.reconnect(running[address], address); {
		case err == nil && e.inSandbox(running[address]):
			e.config.Log.Warn("link of a dyno under gVisor was gone: it is replaced", "dyno", running[address])
		case err == nil:
			e.config.Log.Warn("link of a dyno was gone and has been made again", "dyno", running[address])
		case !e.over(running[address]):
			e.config.Log.Error("link of a dyno cannot be made again", "dyno", running[address], "error", err)
		}
	}
}

// inSandbox reports whether a launch has a network stack of its own: gVisor's, which takes
// over the address and the packets of the link, so that the kernel must not answer for it.
func (e *Engine) inSandbox(id kigo.DynoID) bool {
	_, is := e.sandboxed.Load(id)
	return is
}

// emptied reports whether somebody took away what is in a launch's namespace.
func (e *Engine) emptied(id kigo.DynoID, address netip.Addr) bool {
	if e.inSandbox(id) {
		return false
	}
	space, err := e.space(id)
	if err != nil {
		return false // it has just ended
	}
	defer space.Close()
	whole, err := e.network.Whole(space, address)
	if err != nil && !e.over(id) {
		e.config.Log.Error("namespace of a dyno cannot be checked", "dyno", id, "error", err)
	}
	return err == nil && !whole
}

func (e *Engine) over(id kigo.DynoID) bool {
	s, known := e.table.status(id)
	return !known || s.Ended()
}

// reconnect gives a launch a new link. One under gVisor holds on to the former: it is ended,
// and whoever wants it starts it again.
func (e *Engine) reconnect(id kigo.DynoID, address netip.Addr) error {
	if e.inSandbox(id) {
		return e.Kill(e.ctx, id)
	}
	space, err := e.space(id)
	if err != nil {
		return err
	}
	defer space.Close()
	return e.network.Reconnect(space, address)
}
