package server

import (
	"context"
	"strings"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/logplex"
	"github.com/kigo-dev/kigo/metrics"
	"github.com/kigo-dev/kigo/router"
)

// meter adds what routers have counted to the history.
func (n *node) meter(ctx context.Context) error {
	return router.Meter(ctx, n.cfg.Path("run", "router.sock"), func(u router.Usage) error {
		counts := make(map[kigo.AppID]*metrics.Point, len(u.Apps))
		for _, a := range u.Apps {
			counts[a.App] = &metrics.Point{Requests: metrics.Requests{
				Count: a.Requests, Status: a.Status, Codes: a.Codes, In: a.In, Out: a.Out, Connect: a.Connect, Service: a.Service,
			}}
		}
		middle := u.From.Add(u.To.Sub(u.From) / 2)
		return n.history.Add(ctx, middle, counts, map[string]int64{"router " + u.Router: u.Seq})
	})
}

// codesSeen is the hub for the dyno loop; it counts the errors that go by.
type codesSeen struct {
	*logplex.Hub
	count func(app kigo.AppID, process, code string)
}

// Write implements dyno.Logs.
func (s codesSeen) Write(app kigo.AppID, lines ...kigo.LogLine) {
	for i := range lines {
		if code, ok := errorCode(&lines[i]); ok {
			process, _, _ := strings.Cut(lines[i].Process, ".")
			s.count(app, process, code)
		}
	}
	s.Hub.Write(app, lines...)
}

// errorCode is the R code that a line of the dyno loop tells of.
func errorCode(l *kigo.LogLine) (string, bool) {
	rest, ok := strings.CutPrefix(l.Message, "Error R")
	if !ok || l.Source != "heroku" || len(rest) < 2 {
		return "", false
	}
	return "R" + rest[:2], rest[0] >= '0' && rest[0] <= '9' && rest[1] >= '0' && rest[1] <= '9'
}
