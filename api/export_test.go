package api

import (
	"reflect"
	"strings"

	"github.com/kigo-dev/kigo"
)

// Route is a line of the table of routes, for tests that walk it.
type Route struct {
	Method, Pattern string
	access          scope
	Empty           bool // always an empty list
}

// Routes is the table of routes.
func Routes() []Route {
	out := make([]Route, len(routes))
	for i, rt := range routes {
		out[i] = Route{rt.method, rt.pattern, rt.access, reflect.ValueOf(rt.handle).Pointer() == reflect.ValueOf(emptyList).Pointer()}
	}
	return out
}

// Permission is what the route needs of its app; empty when it is not below one.
func (r Route) Permission() string { return permissions[r.Method+" "+r.Pattern] }

// Open reports whether a route takes no token.
func (r Route) Open() bool { return r.access == open && r.Pattern != "/oauth/authorizations" }

// Allows reports whether a token of that scope may use the route.
func (r Route) Allows(have string) bool {
	need := r.access
	if strings.HasPrefix(r.Pattern, "/oauth/authorizations") {
		need = global // a lesser token reaches itself alone
	}
	return need.check([]string{have}) == nil
}

// Exhaust spends what an account has left of its requests.
func (s *Server) Exhaust(account kigo.AccountID) {
	left, _ := s.rate.take(string(account), 0)
	s.rate.take(string(account), float64(left))
}
