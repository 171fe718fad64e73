package server

import (
	"github.com/kigo-dev/kigo/telemetry"
)

// telemetry sends metrics to those who speak OpenTelemetry.
func (n *node) telemetry() *telemetry.Loop {
	return &telemetry.Loop{Store: n.store, History: n.history, Log: n.log, Client: n.control.Outbound.Client(nil, alertTimeout)}
}
