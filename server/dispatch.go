package server

import (
	"strings"

	"github.com/kigo-dev/kigo"
)

// dispatch hints at the loops that an event may concern. A hint too many costs a
// look; a forgotten one is mended by the resync.
func (n *node) dispatch(e kigo.Event) error {
	noun, _, _ := strings.Cut(e.Kind, ".")
	switch noun {
	case "app":
		n.acme.Mark(e.App)
		n.formation.Mark(e.App)
		n.routing.mark()
	case "release":
		n.release.Mark(e.App)
		n.formation.Mark(e.App)
		n.setups.Mark(e.App)
		n.routing.mark()
	case "formation":
		n.formation.Mark(e.App)
		n.routing.mark()
	case "dyno":
		n.agent.Mark(kigo.DynoID(e.Key))
		n.formation.Mark(e.App)
		n.release.Mark(e.App)
		n.setups.Mark(e.App)
		n.routing.mark()
	case "domain", "sni-endpoint":
		n.acme.Mark(e.App)
		n.routing.mark()
	case "build":
		n.builds.Mark(e.App)
		n.setups.Mark(e.App)
	case "setup":
		n.setups.Mark(e.App)
	case "logretention":
		return n.keepLogs(e.App)
	case "egress":
		n.refreshEgress()
	case "drain", "telemetry":
		n.drains.Mark()
	default:
		n.routing.mark()
	}
	return nil
}
