package api_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/kigo-dev/kigo/api"
)

// validated counts, for each link of the schema, the successes that were checked.
var validated struct {
	sync.Mutex
	links map[string]int
}

func markValidated(l *link) {
	validated.Lock()
	defer validated.Unlock()
	if validated.links == nil {
		validated.links = map[string]int{}
	}
	validated.links[l.key()]++
}

var parameter = regexp.MustCompile(`\{[^}]*\}`)

// key is the same for a link of the schema and a line of the table of routes.
func (l *link) key() string { return l.method + " " + parameter.ReplaceAllString(l.href, "{}") }

// refusedOnly are routes that answer nothing but an error yet, and absentOnly those that
// find nothing, since there can be none.
var (
	refusedOnly = []string{"POST /apps/{}/addons"}
	absentOnly  = []string{
		"GET /account/features/{}", "PATCH /account/features/{}", "GET /apps/{}/addons/{}", "GET /apps/{}/addon-attachments/{}",
		"POST /actions/addons/resolve", "POST /actions/addon-attachments/resolve", "GET /spaces/{}",
	}
)

// TestMain fails a whole run in which an implemented link never answered well.
func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if whole := flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.skip").Value.String() == "" && !testing.Short(); code == 0 && whole {
		for _, key := range implemented() {
			if validated.links[key] == 0 && !slices.Contains(refusedOnly, key) && !slices.Contains(absentOnly, key) {
				fmt.Println("no test has validated an answer of", key)
				code = 1
			}
		}
	}
	os.Exit(code)
}

// implemented lists the links of the schema that the table of routes has.
func implemented() []string {
	s, err := official()
	if err != nil {
		panic(err)
	}
	known := map[string]bool{}
	for _, l := range s.links {
		known[l.key()] = true
	}
	var out []string
	for _, rt := range api.Routes() {
		if rt.Refused {
			continue
		}
		if key := rt.Method + " " + parameter.ReplaceAllString(rt.Pattern, "{}"); known[key] {
			out = append(out, key)
		}
	}
	slices.Sort(out)
	return out
}

func TestEveryTargetSchemaCompiles(t *testing.T) {
	s, err := official()
	must(t, err)
	more, err := variant()
	must(t, err)
	if len(s.links) != 305+39 || len(more.links) < 334 {
		t.Errorf("%d links in the schemas, want 305 and the 39 that only the variant has; the variant has %d", len(s.links), len(more.links))
	}
	for _, l := range slices.Concat(s.links, more.links) {
		if l.pointer == "" {
			continue
		}
		if _, err := l.of.compiled(l); err != nil {
			t.Errorf("%s %s: %v", l.method, l.href, err)
		}
	}
}

func TestEveryRouteIsHerokus(t *testing.T) {
	known := implemented()
	for _, rt := range api.Routes() {
		if rt.Refused {
			continue // below
		}
		key := rt.Method + " " + parameter.ReplaceAllString(rt.Pattern, "{}")
		if !slices.Contains(known, key) && !slices.Contains(notInSchema, rt.Pattern) && !slices.Contains(beside, rt.Method+" "+rt.Pattern) {
			t.Errorf("%s is in no schema of Heroku's, nor among the known exceptions", key)
		}
	}
}

// Every link of the schema is served, or stands in the table of refusals; and
// nothing stands there that is no link, or is served.
func TestEveryLinkIsServedOrRefusedWithAReason(t *testing.T) {
	s, err := official()
	must(t, err)
	have, refused := implemented(), map[string]bool{}
	known := map[string]bool{}
	for _, l := range s.links {
		known[l.key()] = true
	}
	for _, r := range api.Refusals() {
		if len(r.Why) < 20 {
			t.Errorf("a refusal without a reason: %q", r.Why)
		}
		for _, c := range r.Calls {
			key := parameter.ReplaceAllString(c, "{}")
			if !known[key] || refused[key] || slices.Contains(have, key) {
				t.Errorf("%s is refused, but it is no link of the schema, or refused twice, or served", c)
			}
			refused[key] = true
		}
	}
	for key := range known {
		if !refused[key] && !slices.Contains(have, key) {
			t.Errorf("%s is neither served nor refused with a reason", key)
		}
	}
}

func TestThereIsOneGeneration(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for _, which := range []string{"cedar", ""} {
		must(t, s.Do(t.Context(), "GET", strings.TrimSuffix("/generations/"+which, "/"), nil, nil))
	}
	wantError(t, s.Do(t.Context(), "GET", "/generations/fir", nil, nil), 404, "not_found", "generation")
}

func TestRefusalsSayWhy(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.app("myapp")
	s.paths("myapp")
	for _, rt := range api.Routes() {
		if !rt.Refused {
			continue
		}
		path := parameter.ReplaceAllStringFunc(rt.Pattern, func(p string) string {
			if known := map[string]string{"{app}": "myapp", "{user}": "~", "{team}": "myteam", "{enterprise}": "myfirm"}[p]; known != "" {
				return known
			}
			return "x"
		})
		resp, body := s.raw(rt.Method, path, s.token, nil, []byte("{}"))
		if want := map[bool]int{true: 404, false: 422}[rt.Absent || rt.Method == http.MethodGet]; resp.StatusCode != want || len(body) < 60 {
			t.Errorf("%s %s: %d %s", rt.Method, path, resp.StatusCode, body)
		}
	}
}
