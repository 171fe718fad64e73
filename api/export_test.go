package api

import (
	"reflect"
	"slices"
	"strings"

	"github.com/kigo-dev/kigo"
)

// Route is a line of the table of routes, for tests that walk it.
type Route struct {
	Method, Pattern string
	access          scope
	Empty           bool // always an empty list
	Refused         bool // of the table of refusals
	Absent          bool // of its part about what cannot be made here
	permission      string
	below           string
}

// Routes is the table of routes, with those of the table of refusals.
func Routes() []Route {
	var out []Route
	for _, rt := range allRoutes() {
		h := reflect.ValueOf(rt.handle).Pointer()
		empty := h == reflect.ValueOf(emptyList).Pointer() || h == reflect.ValueOf(pipelineEmptyList).Pointer() || h == reflect.ValueOf(emptyListOfUser).Pointer()
		out = append(out, Route{rt.method, rt.pattern, rt.access, empty && !rt.refused(), rt.refused(), absentKeys()[rt.method+" "+rt.pattern], rt.permission(), rt.below()})
	}
	return out
}

func absentKeys() map[string]bool {
	keys := map[string]bool{}
	for _, r := range slices.Concat(refusals, besideRefusals) {
		for _, call := range r.calls {
			keys[call] = r.absent
		}
	}
	return keys
}

// Refusal is a line of the table of refusals.
type Refusal struct {
	Why    string
	Later  bool
	Absent bool
	Calls  []string
}

// Refusals is that table.
func Refusals() (out []Refusal) {
	for _, r := range refusals {
		out = append(out, Refusal{r.why, r.later, r.absent, r.calls})
	}
	return out
}

// Permission is what the route needs of its app; empty when it is not below one.
func (r Route) Permission() string { return r.permission }

// Below is the parameter that names what the route is about: app, team, enterprise, or nothing.
func (r Route) Below() string { return r.below }

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

// HasPermissionLine reports whether permissions.go names what a route needs.
func HasPermissionLine(key string) bool { return permissions[key] != "" }

// OwnSchema is what GET /schema serves.
func OwnSchema() any { return describeAPI(allRoutes()) }
