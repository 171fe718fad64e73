package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// hyperSchema is Heroku's own description of its API, which every answer in
// these tests is checked against.
type hyperSchema struct {
	links    []*link
	compiler *jsonschema.Compiler
	mu       sync.Mutex
}

type link struct {
	resource, title string
	method, href    string
	path            *regexp.Regexp
	pointer         string // of its targetSchema; empty: it has none
	of              *hyperSchema
	schema          *jsonschema.Schema
}

// deviations are where we do not do as the schema says, with the reason.
var deviations = []struct{ pointer, remove, reason string }{
	{"definitions/app/definitions/git_url", "pattern", "it wants https://git.heroku.com/"},
	{"definitions/app/definitions/web_url", "pattern", "it wants *.herokuapp.com"},
	{"definitions/domain/definitions/hostname", "format", "it says uri, and its own example is a bare host name"},
	{"definitions/review-app-config/properties/repo", "strictProperties", "it knows a number of GitHub's alone, and we a repository by its full_name"},
	{"definitions/app/definitions/generation", "type", "3.sdk says string; clients of version 3 decode an object alone, and the command line takes both"},
	{"definitions/dyno-processes", "strictProperties", "the whole dyno is told, not its address alone"},
	{"definitions/space/definitions/name", "pattern", "Go's regular expressions have no (?!"},
}

// extras are properties that we send and the schema does not know, because
// Heroku's server sends them and its command line reads them.
var extras = map[string][]string{"app": {"create_status", "process_tier"}, "log-drain": {"extended"}, "dyno": {"extended"}}

// notInSchema are routes that Heroku has without describing them in this schema.
var notInSchema = []string{
	"/oauth/authorize", "/oauth/token", "/auth", "/auth/cli/{login}", "/auth/browser/{login}", "/kigo/two-factor", "/kigo/two-factor/actions/enable",
	"/kigo/two-factor/actions/disable", "/kigo/email-confirmations/{token}", "/kigo/accounts/{account}/actions/reset", "/kigo/accounts/{account}/actions/confirm-email",
	"/apps/{app}/webhooks/{webhook}/actions/ping", "/kigo/invitations", "/kigo/enterprise-accounts",
	"/oauth/sessions", "/oauth/sessions/{session}", "/buildpacks", "/buildpacks/{buildpack}",
	"/buildpacks/{buildpack}/revisions", "/buildpacks/{buildpack}/readme", "/schema", "/api/v4/current-status", "/analytics",
	"/analytics/*", "/favorites", "/favorites/{favorite}", "/user/notifications", "/client/v11/apps/{app}/transfers", "/data/maintenances/v1/apps/{app}",
	"/apps/{app}/formation/{formation}/monitors", "/streams/{stream}", "/sources/{key}", "/slugs/{slug}", "/logstream/*",
	"/apps/{app}/egress-rules", "/apps/{app}/egress-rules/{rule}", "/apps/{app}/isolation", "/teams/{team}/isolation",
	"/apps/{app}/builds/{build}/result", "/kigo/accounts", "/kigo/audit", "/kigo/usage", "/accounts/{user}/actions/get-quota", "/api/v2", "/api/v2/{dyno}", "/kigo/stacks", "/kigo/stacks/{stack}/actions/patch",
	"/apps/{app}/router-metrics/{metric}", "/apps/{app}/formation/{formation}/metrics/{metric}", "/apps/{app}/metrics",
	"/apps/{app}/metrics/prometheus", "/kigo/metrics", "/apps/{app}/alerts", "/apps/{app}/alerts/{alert}",
	"/logs", "/apps/{app}/log-inputs", "/apps/{app}/log-inputs/{input}", "/apps/{app}/log-retention",
}

// beside are methods that Heroku's clients use on addresses of the schema which it
// does not describe.
var beside = []string{
	"POST /account/keys", "DELETE /account/keys/{key}",
}

var besidePaths = patterns(beside)

func loadSchema(file string) (*hyperSchema, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	root := doc.(map[string]any)
	prepare(root)
	definitions := root["definitions"].(map[string]any)
	for _, d := range deviations {
		if at, ok := lookup(root, d.pointer).(map[string]any); ok {
			delete(at, d.remove)
		}
	}
	for name, props := range extras {
		for _, p := range props {
			definitions[name].(map[string]any)["properties"].(map[string]any)[p] = map[string]any{}
		}
	}
	s := &hyperSchema{compiler: jsonschema.NewCompiler()}
	s.compiler.DefaultDraft(jsonschema.Draft4)
	s.compiler.AssertFormat()
	for _, name := range slices.Sorted(maps.Keys(definitions)) { // one order: a link may be in two resources
		links, _ := definitions[name].(map[string]any)["links"].([]any)
		for i, l := range links {
			s.links = append(s.links, newLink(name, i, l.(map[string]any)))
		}
	}
	for _, l := range s.links {
		l.of = s
	}
	strict(root)
	return s, s.compiler.AddResource("heroku.json", doc)
}

var hrefPart = regexp.MustCompile(`\{[^}]*\}`)

func newLink(name string, i int, l map[string]any) *link {
	href := l["href"].(string)
	pattern := "^" + regexp.QuoteMeta(href) + "$"
	for _, part := range hrefPart.FindAllString(href, -1) {
		pattern = strings.Replace(pattern, regexp.QuoteMeta(part), "([^/]+)", 1)
	}
	title, _ := l["title"].(string)
	out := &link{resource: name, title: title, method: strings.ToUpper(l["method"].(string)), href: href, path: regexp.MustCompile(pattern)}
	if _, has := l["targetSchema"]; has {
		out.pointer = fmt.Sprintf("heroku.json#/definitions/%s/links/%d/targetSchema", name, i)
	}
	return out
}

// prepare removes what would make a validator resolve "#/…" elsewhere.
func prepare(v any) {
	switch v := v.(type) {
	case map[string]any:
		if _, isText := v["id"].(string); isText {
			delete(v, "id")
		}
		if _, isText := v["$schema"].(string); isText {
			delete(v, "$schema")
		}
		delete(v, "example")
		for _, child := range v {
			prepare(child)
		}
	case []any:
		for _, child := range v {
			prepare(child)
		}
	}
}

// strict spells out Heroku's strictProperties: all of them, and no others.
func strict(v any) {
	switch v := v.(type) {
	case map[string]any:
		if props, ok := v["properties"].(map[string]any); ok && v["strictProperties"] == true {
			v["additionalProperties"] = false
			required := []any{}
			for name := range props {
				if !isExtra(name) {
					required = append(required, name)
				}
			}
			if len(required) > 0 {
				v["required"] = required
			}
		}
		for _, child := range v {
			strict(child)
		}
	case []any:
		for _, child := range v {
			strict(child)
		}
	}
}

func isExtra(property string) bool {
	for _, props := range extras {
		if slices.Contains(props, property) {
			return true
		}
	}
	return false
}

func lookup(v any, pointer string) any {
	for part := range strings.SplitSeq(pointer, "/") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[part]
	}
	return v
}

// find returns the link of a request.
func (s *hyperSchema) find(method string, u *url.URL) *link {
	path := u.EscapedPath()
	var found *link
	for _, l := range s.links {
		// An exact word wins over a parameter: /users/~/… over /users/{…}/….
		if l.method == method && l.path.MatchString(path) && (found == nil || strings.Count(l.href, "{") < strings.Count(found.href, "{")) {
			found = l
		}
	}
	return found
}

// check validates an answer: by its link when it is a success, by the form of
// errors when it is not.
func (s *hyperSchema) check(r *http.Request, status int, contentType string, body []byte) error {
	if status == http.StatusNotModified || r.Method == http.MethodHead || r.Method == http.MethodOptions {
		return nil
	}
	if status >= 400 {
		return checkError(body)
	}
	method := r.Method
	if to := r.Header.Get("X-Http-Method-Override"); to != "" && method == http.MethodPost {
		method = to
	}
	l := s.find(method, r.URL)
	if strings.Contains(r.Header.Get("Accept"), "version=3.sdk") {
		if of, err := variant(); err != nil {
			return err
		} else if better := of.find(method, r.URL); better != nil {
			l = better
		}
	}
	if l == nil {
		if outside(r.URL.EscapedPath()) || matchesAny(besidePaths, method+" "+r.URL.EscapedPath()) {
			return nil
		}
		return fmt.Errorf("%s %s is in no schema", r.Method, r.URL.Path)
	}
	if !strings.HasPrefix(contentType, "application/json") {
		return fmt.Errorf("Content-Type %q", contentType)
	}
	if at := fractional.Find(body); at != nil {
		return fmt.Errorf("%s %s tells fractions of a second, which Heroku does not: %s", r.Method, r.URL.Path, at)
	}
	markValidated(l)
	if l.pointer == "" {
		return nil
	}
	target, err := l.of.compiled(l)
	if err != nil {
		return err
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s %s: %w in %s", r.Method, r.URL.Path, err, body)
	}
	if err := target.Validate(v); err != nil {
		return fmt.Errorf("%s %s does not fit %s: %w\n%s", r.Method, r.URL.Path, l.href, err, body)
	}
	return nil
}

var fractional = regexp.MustCompile(`_at": "[^"]*\.\d+Z"`)

func (s *hyperSchema) compiled(l *link) (*jsonschema.Schema, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.schema == nil {
		schema, err := s.compiler.Compile(l.pointer)
		if err != nil {
			return nil, err
		}
		l.schema = schema
	}
	return l.schema, nil
}

var outsidePaths = patterns(notInSchema)

// patterns compiles addresses with {parts} and a * for the rest.
func patterns(texts []string) []*regexp.Regexp {
	var out []*regexp.Regexp
	for _, p := range texts {
		pattern := strings.ReplaceAll(regexp.QuoteMeta(p), `\*`, ".*")
		out = append(out, regexp.MustCompile("^"+regexp.MustCompile(`\\\{[^}]*\\\}`).ReplaceAllString(pattern, "[^/]+")+"$"))
	}
	return out
}

func outside(path string) bool { return matchesAny(outsidePaths, path) }

func matchesAny(all []*regexp.Regexp, text string) bool {
	return slices.ContainsFunc(all, func(re *regexp.Regexp) bool { return re.MatchString(text) })
}

// checkError wants exactly Heroku's form: an id and a sentence.
func checkError(body []byte) error {
	var e struct {
		ID, Message, Resource, URL *string
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil || e.ID == nil || e.Message == nil || *e.ID == "" || *e.Message == "" {
		return fmt.Errorf("an error without id and message: %s", body)
	}
	return nil
}
