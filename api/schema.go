package api

import (
	"slices"
	"strings"
)

// schemaInfo lists the API: one link for each route. It is our own, shorter form
// of the hyper-schema that Heroku serves here.
func schemaInfo(c *call) (reply, error) {
	type link struct {
		Method string `json:"method"`
		Href   string `json:"href"`
		Scope  string `json:"scope"`
	}
	links := make([]link, 0, len(c.s.table))
	for _, rt := range c.s.table {
		links = append(links, link{rt.method, rt.pattern, string(rt.access)})
	}
	slices.SortFunc(links, func(a, b link) int {
		if a.Href != b.Href {
			return strings.Compare(a.Href, b.Href)
		}
		return strings.Compare(a.Method, b.Method)
	})
	return ok(map[string]any{
		"$schema":     "http://interagent.github.io/interagent-hyper-schema",
		"title":       "Kigo Platform API",
		"description": "Compatible with version 3 of Heroku's Platform API; shapes are those of its public schema.",
		"type":        []string{"object"},
		"links":       links,
	}), nil
}
