package kigo

import (
	"strings"
	"time"
)

// healthChecks reads, by process type, {"readiness": {…}, "liveness": {…}}, or
// the list of {"type": "readiness", …} that other platforms take.
func (r *appJSONReader) healthChecks(n jsonNode) map[string]HealthChecks {
	all := map[string]HealthChecks{}
	r.members(n, func(name string, n jsonNode) bool {
		if !r.processType(n, name) {
			return true
		}
		var c HealthChecks
		if _, ok := n.value.([]any); ok {
			r.items(n, func(n jsonNode) { r.listedCheck(n, &c) })
		} else {
			r.members(n, func(kind string, n jsonNode) bool { return r.placeCheck(n, &c, kind, r.check(n, nil)) })
		}
		all[name] = c
		return true
	})
	return all
}

func (r *appJSONReader) listedCheck(n jsonNode, c *HealthChecks) {
	kind := ""
	check := r.check(n, &kind)
	if !r.placeCheck(n, c, kind, check) {
		r.fail(`app.json: %s: type is %s: write "readiness" or "liveness"`, n.name(), shorten(kind))
	}
}

func (r *appJSONReader) placeCheck(n jsonNode, c *HealthChecks, kind string, check HealthCheck) bool {
	var to **HealthCheck
	switch kind {
	case "readiness", "startup":
		to = &c.Readiness
	case "liveness":
		to = &c.Liveness
	default:
		return false
	}
	if *to != nil {
		r.fail("app.json: %s is a second %s check: a process type has one", n.name(), kind)
	}
	*to = &check
	return true
}

// check reads one check. Times are seconds, or texts such as "500ms" and "1m".
func (r *appJSONReader) check(n jsonNode, kind *string) (c HealthCheck) {
	if text, ok := n.value.(string); ok && kind == nil { // "readiness": "/ready"
		c.Path = text
		r.path(n, text)
		return c
	}
	r.members(n, func(member string, n jsonNode) bool {
		switch {
		case member == "path":
			c.Path = r.text(n, maxCheckPath)
			r.path(n, c.Path)
		case member == "delay" || member == "initialDelay" || member == "initial_delay":
			c.Delay = r.seconds(n, 0)
		case member == "interval" || member == "wait" || member == "period":
			c.Interval = r.seconds(n, MinCheckInterval)
		case member == "timeout":
			c.Timeout = r.seconds(n, time.Millisecond)
		case member == "attempts" || member == "failureThreshold":
			c.Attempts = r.whole(n, 1, MaxCheckAttempts)
		case member == "type" && kind != nil:
			*kind = r.text(n, 100)
		default:
			return member == "name" || member == "description"
		}
		return true
	})
	if c.Path == "" {
		r.fail(`app.json: %s has no path: write {"path": "/health"}`, n.name())
	}
	return c
}

func (r *appJSONReader) path(n jsonNode, path string) {
	bad := func(c rune) bool { return c <= ' ' || c == '#' || c >= 0x7f }
	if !strings.HasPrefix(path, "/") || strings.ContainsFunc(path, bad) || len(path) > maxCheckPath {
		r.refuse(n, "write the path of a URL, such as /health")
	}
}
