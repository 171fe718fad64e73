package api_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kigo-dev/kigo/api"
)

var update = flag.Bool("update", false, "write docs/compat.md")

const compatPage = "../docs/compat.md"

// The page is made from the table of routes and Heroku's schema, so that a change
// of what is covered is seen in review.
func TestCompatPageIsCurrent(t *testing.T) {
	s, err := official()
	must(t, err)
	got := compat(s)
	if *update {
		must(t, os.WriteFile(compatPage, []byte(got), 0o600))
	}
	want, err := os.ReadFile(compatPage)
	must(t, err)
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("run go test ./api -update (-want +got):\n%s", d)
	}
}

func compat(s *hyperSchema) string {
	var b strings.Builder
	links := s.states()
	fmt.Fprintf(&b, `# The Platform API that is served

Heroku's public schema of version 3 and its variant 3.sdk have %d links (method and address). %d are served, and every answer of every test is
checked against the schema; %d answer with an empty list, which is true. %d ask about things that cannot be
made here, and find none (404). %d are refused: there is nothing like it here. %d are not provided yet. All three say why (api/refusals.go). This page is made by `+"`go test ./api -update`"+` from api/routes.go and the schema.

| resource | served | always empty | none here | refused | not yet |
|---|---|---|---|---|---|
`, len(links), count(links, "served"), count(links, "empty"), count(links, "none"), count(links, "refused"), count(links, "not yet"))
	for _, resource := range resources(links) {
		cells := map[string][]string{}
		for _, l := range links {
			if l.resource == resource {
				cells[l.state] = append(cells[l.state], l.words())
			}
		}
		b.WriteString("| " + resource)
		for _, state := range []string{"served", "empty", "none", "refused", "not yet"} {
			b.WriteString(" | " + strings.Join(cells[state], "<br>"))
		}
		b.WriteString(" |\n")
	}
	b.WriteString("\n## Refused, and why\n\n")
	for _, r := range api.Refusals() {
		when := ""
		switch {
		case r.Later:
			when = " (later)"
		case r.Absent:
			when = " (none here)"
		}
		fmt.Fprintf(&b, "- %s%s: %d calls\n", r.Why, when, len(r.Calls))
	}
	b.WriteString("\n## Served beside the schema\n\nWhat Heroku's clients use and its schema does not describe.\n\n")
	for _, p := range slices.Concat(notInSchema, beside) {
		fmt.Fprintf(&b, "- `%s`\n", p)
	}
	b.WriteString("\n## Where answers differ from the schema\n\n")
	for _, d := range deviations {
		fmt.Fprintf(&b, "- `%s`, %s: %s\n", strings.ReplaceAll(strings.TrimPrefix(d.pointer, "definitions/"), "/definitions/", "."), d.remove, d.reason)
	}
	for _, resource := range slices.Sorted(maps.Keys(extras)) {
		fmt.Fprintf(&b, "- `%s` has %s too: Heroku's command line reads it\n", resource, strings.Join(extras[resource], ", "))
	}
	return b.String()
}

// The issue that asked for the whole API allows one link in twenty to be refused.
func TestFewLinksAreRefused(t *testing.T) {
	s, err := official()
	must(t, err)
	links := s.states()
	if n := count(links, "refused"); n*20 > len(links) {
		t.Errorf("%d of %d links are refused", n, len(links))
	}
}

// stated is a link and how far it is served.
type stated struct {
	*link
	state string
}

func (l stated) words() string { return "`" + l.method + " " + shortHref(l.href) + "`" }

var hrefName = regexp.MustCompile(`\{\([^}]*%2Fdefinitions%2F([a-z-]+)%2F[^}]*\)\}`)

// shortHref writes /apps/{app} for the schema's /apps/{(%23%2Fdefinitions%2Fapp…)}.
func shortHref(href string) string { return hrefName.ReplaceAllString(href, "{$1}") }

// states lists the links once for each method and address.
func (s *hyperSchema) states() (links []stated) {
	have, empty := implemented(), emptyKeys()
	refusedAs := map[string]string{}
	for _, r := range api.Refusals() {
		for _, c := range r.Calls {
			state := "refused"
			switch {
			case r.Later:
				state = "not yet"
			case r.Absent:
				state = "none"
			}
			refusedAs[parameter.ReplaceAllString(c, "{}")] = state
		}
	}
	seen := map[string]bool{}
	for _, l := range s.links {
		if seen[l.method+" "+l.href] {
			continue
		}
		seen[l.method+" "+l.href] = true
		state := "not yet"
		switch {
		case refusedAs[l.key()] != "":
			state = refusedAs[l.key()]
		case slices.Contains(refusedOnly, l.key()):
			state = "refused"
		case slices.Contains(absentOnly, l.key()):
			state = "none"
		case slices.Contains(empty, l.key()):
			state = "empty"
		case slices.Contains(have, l.key()):
			state = "served"
		}
		links = append(links, stated{l, state})
	}
	slices.SortFunc(links, func(a, b stated) int {
		return strings.Compare(a.resource+a.href+a.method, b.resource+b.href+b.method)
	})
	return links
}

// Heroku's own services, which a server of one's own cannot be, are few.
func TestLittleIsRefused(t *testing.T) {
	s, err := official()
	must(t, err)
	links := s.states()
	if n := count(links, "refused"); n > len(links)/20 {
		t.Errorf("%d of %d links are refused: 5 %% at most", n, len(links))
	}
}

// emptyKeys are the routes that answer with an empty list, whatever happens.
func emptyKeys() (keys []string) {
	for _, rt := range api.Routes() {
		if rt.Empty {
			keys = append(keys, rt.Method+" "+parameter.ReplaceAllString(rt.Pattern, "{}"))
		}
	}
	return keys
}

func count(links []stated, state string) (n int) {
	for _, l := range links {
		if l.state == state {
			n++
		}
	}
	return n
}

func resources(links []stated) []string {
	var names []string
	for _, l := range links {
		if !slices.Contains(names, l.resource) {
			names = append(names, l.resource)
		}
	}
	return names
}
