package server

import (
	"log/slog"

	"github.com/kigo-dev/kigo/internal/priority"
)

// routerNice is the router's priority: above that of dynos, so that one that keeps
// all processors busy delays requests of other apps by as little as can be.
const routerNice = -10

// prefer gives all threads of this process, and those that they start, a priority.
// Without the right to do that things stay as they are.
func prefer(nice int, log *slog.Logger) {
	if err := priority.Set(nice); err != nil {
		log.Debug("priority cannot be set", "err", err)
	}
}
