package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kigo-dev/kigo/api"
	"github.com/kigo-dev/kigo/client"
)

func TestUnknownRoutesAreToldSo(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for _, rt := range [][2]string{{"GET", "/nothing"}, {"POST", "/account"}, {"DELETE", "/apps"}, {"GET", "/apps/a/b/c/d"}, {"GET", "/"}, {"BREW", "/apps"}} {
		resp, body := s.raw(rt[0], rt[1], s.token, nil, nil)
		if resp.StatusCode != http.StatusNotFound || !strings.Contains(string(body), "The requested API endpoint was not found. Are you using the right HTTP verb") {
			t.Errorf("%v: %d %s", rt, resp.StatusCode, body)
		}
	}
}

func TestAcceptIsRequired(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for _, accept := range []string{"", "*/*", "application/json", "application/vnd.heroku+json; version=2"} {
		resp, body := s.raw("GET", "/account", s.token, http.Header{"Accept": {accept}}, nil)
		if resp.StatusCode != http.StatusNotAcceptable || !strings.Contains(string(body), "not_acceptable") {
			t.Errorf("%q: %d %s", accept, resp.StatusCode, body)
		}
	}
	resp, _ := s.raw("GET", "/account", s.token, http.Header{"Accept": {"application/vnd.heroku+json; version=3.cedar-acm"}}, nil)
	if resp.StatusCode != http.StatusOK {
		t.Errorf("a variant of version 3: %d", resp.StatusCode)
	}
}

func TestRequestIdsAccumulate(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	long := strings.Repeat("01234567-89ab-cdef-0123-456789abcdef,", 190)[:7000]
	for sent, prefix := range map[string]string{"": "", "abc": "abc,", long: long + ",", strings.Repeat("x", 7500): "", "a\tb": ""} {
		resp, _ := s.raw("GET", "/account", s.token, http.Header{"Request-Id": {sent}}, nil)
		got := resp.Header.Get("Request-Id")
		if len(got) != len(prefix)+36 || !strings.HasPrefix(got, prefix) || resp.StatusCode != http.StatusOK {
			t.Errorf("sent %.20q: got %.40q of %d bytes", sent, got, len(got))
		}
	}
}

func TestUnchangedAnswersAreNotSentAgain(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.app("myapp")
	resp, body := s.raw("GET", "/apps/myapp", s.token, nil, nil)
	tag := resp.Header.Get("ETag")
	if tag == "" || len(body) == 0 {
		t.Fatalf("ETag %q", tag)
	}
	for _, known := range []string{tag, "W/" + tag, `"other", ` + tag, "*"} {
		resp, body := s.raw("GET", "/apps/myapp", s.token, http.Header{"If-None-Match": {known}}, nil)
		if resp.StatusCode != http.StatusNotModified || len(body) != 0 {
			t.Errorf("%s: %d with %d bytes", known, resp.StatusCode, len(body))
		}
	}
	on := true
	_, err := s.UpdateApp(t.Context(), "myapp", client.AppChange{Maintenance: &on})
	must(t, err)
	if resp, _ := s.raw("GET", "/apps/myapp", s.token, http.Header{"If-None-Match": {tag}}, nil); resp.StatusCode != http.StatusOK {
		t.Errorf("after a change: %d", resp.StatusCode)
	}
	resp, body = s.raw("PATCH", "/apps/myapp", s.token, http.Header{"If-Match": {tag}}, []byte(`{"maintenance":false}`))
	if resp.StatusCode != http.StatusPreconditionFailed || !strings.Contains(string(body), "precondition_failed") {
		t.Errorf("a change of what was read before: %d %s", resp.StatusCode, body)
	}
	resp, _ = s.raw("GET", "/apps/myapp", s.token, nil, nil)
	resp, body = s.raw("PATCH", "/apps/myapp", s.token, http.Header{"If-Match": {resp.Header.Get("ETag")}}, []byte(`{"maintenance":false}`))
	if resp.StatusCode != http.StatusOK || !strings.Contains(string(body), `"maintenance": false`) {
		t.Errorf("a change of what is: %d %s", resp.StatusCode, body)
	}
}

func TestMethodsAreOverriddenOnPostAlone(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.app("myapp")
	over := func(method, to string) int {
		resp, _ := s.raw(method, "/apps/myapp", s.token, http.Header{"X-Http-Method-Override": {to}}, []byte(`{}`))
		return resp.StatusCode
	}
	for _, c := range []struct {
		method, to string
		want       int
	}{{"POST", "PATCH", 200}, {"POST", "GET", 404}, {"POST", "TRACE", 404}, {"GET", "DELETE", 200}, {"PATCH", "DELETE", 200}, {"POST", "DELETE", 200}} {
		if got := over(c.method, c.to); got != c.want {
			t.Errorf("%s as %s: %d, want %d", c.method, c.to, got, c.want)
		}
	}
}

func TestPagesOfOtherSitesMayCall(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	resp, _ := s.raw("OPTIONS", "/apps", "", http.Header{"Origin": {"https://example.com"}}, nil)
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Access-Control-Allow-Origin") != "*" || resp.Header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("preflight: %d %v", resp.StatusCode, resp.Header)
	}
	resp, body := s.raw("HEAD", "/account", s.token, nil, nil)
	if resp.StatusCode != http.StatusOK || len(body) != 0 {
		t.Errorf("HEAD: %d with %d bytes", resp.StatusCode, len(body))
	}
}

func TestEveryBodyRouteRefusesWhatIsNotJSON(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.app("myapp")
	path := s.paths("myapp")
	bodies := map[string]int{
		`{`: 400, `{"a":1`: 400, `{"a":1}}`: 400, `[]`: 400, `"a"`: 400, `1`: 400, `nope`: 400, "{\"a\":\"\xff\"}": 400, `{'a':1}`: 400,
		`{"a":` + strings.Repeat("[", 10001) + strings.Repeat("]", 10001) + `}`: 400,
		`{"a":"` + strings.Repeat("x", 1<<20) + `"}`:                            413,
	}
	for _, rt := range api.Routes() {
		if !takesBody[rt.Method+" "+rt.Pattern] {
			continue
		}
		for body, want := range bodies {
			resp, answer := s.raw(rt.Method, path(rt.Pattern), s.token, nil, []byte(body))
			id := map[int]string{400: `"bad_request"`, 413: `"request_too_large"`}[want]
			if resp.StatusCode != want || !bytes.Contains(answer, []byte(id)) {
				t.Errorf("%s %s with %.20q: %d %.300s", rt.Method, rt.Pattern, body, resp.StatusCode, answer)
			}
		}
	}
}

// takesBody lists the routes that read a JSON body.
var takesBody = map[string]bool{
	"POST /apps/{app}/webhooks": true, "PATCH /apps/{app}/webhooks/{webhook}": true,
	"PATCH /account": true, "PATCH /users/{user}": true, "POST /oauth/authorizations": true,
	"PATCH /oauth/authorizations/{authorization}": true, "POST /apps": true, "PATCH /apps/{app}": true,
	"PATCH /apps/{app}/features/{feature}": true, "PATCH /apps/{app}/config-vars": true, "PATCH /apps/{app}/config-vars-settings": true, "POST /apps/{app}/builds": true,
	"PUT /apps/{app}/buildpack-installations": true, "POST /apps/{app}/releases": true, "POST /apps/{app}/slugs": true, "POST /apps/{app}/oci-images": true,
	"POST /apps/{app}/dynos": true, "PATCH /apps/{app}/formation": true, "PATCH /apps/{app}/formation/{formation}": true,
	"POST /apps/{app}/domains": true, "POST /apps/{app}/log-sessions": true, "POST /apps/{app}/addons": true,
	"PATCH /apps/{app}/domains/{domain}": true, "POST /apps/{app}/sni-endpoints": true, "PATCH /apps/{app}/sni-endpoints/{endpoint}": true,
	"POST /pipelines": true, "PATCH /pipelines/{pipeline}": true, "POST /pipeline-transfers": true, "POST /pipeline-couplings": true,
	"PATCH /pipeline-couplings/{coupling}": true, "POST /pipeline-promotions": true, "POST /filters/apps": true,
	"POST /apps/{app}/collaborators": true, "POST /account/app-transfers": true, "PATCH /account/app-transfers/{transfer}": true,
	"POST /account/keys": true, "POST /app-setups": true, "POST /oauth/clients": true, "PATCH /oauth/clients/{client}": true, "POST /kigo/accounts": true,
	"POST /kigo/two-factor": true, "POST /kigo/two-factor/actions/enable": true, "POST /kigo/two-factor/actions/disable": true,
	"POST /kigo/accounts/{account}/actions/reset": true, "PATCH /users/{user}/preferences": true,
	"PUT /users/~/capabilities": true, "POST /identity-providers": true,
	"POST /teams": true, "PATCH /teams/{team}": true, "PATCH /teams/{team}/preferences": true, "PATCH /teams/{team}/isolation": true, "PUT /teams/{team}/members": true,
	"POST /teams/{team}/members": true, "PATCH /teams/{team}/members": true, "PUT /teams/{team}/invitations": true, "POST /teams/apps": true,
	"PATCH /teams/apps/{app}": true, "POST /teams/apps/{app}/collaborators": true, "PATCH /teams/apps/{app}/collaborators/{collaborator}": true,
	"POST /teams/{team}/identity-providers": true, "POST /kigo/enterprise-accounts": true, "PATCH /enterprise-accounts/{enterprise}": true,
	"POST /enterprise-accounts/{enterprise}/members": true, "PATCH /enterprise-accounts/{enterprise}/members/{member}": true,
	"POST /enterprise-accounts/{enterprise}/teams": true, "POST /favorites": true,
}

func TestWrongTypesAndMissingFieldsAreNamed(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.app("myapp")
	s.deploy("myapp", map[string]string{"web": "./web"})
	for _, c := range []struct{ method, path, body, part string }{
		{"POST", "/apps", `{"name":5}`, "name"},
		{"POST", "/apps", `{"name":["a"]}`, "name"},
		{"POST", "/apps", `{"stack":5}`, "id or a name"},
		{"POST", "/apps", `{"stack":"windows-95"}`, "windows-95"},
		{"POST", "/apps", `{"region":"mars"}`, "mars"},
		{"PATCH", "/apps/myapp", `{"maintenance":"yes"}`, "maintenance"},
		{"PATCH", "/apps/myapp", `{"build_stack":"windows-95"}`, "windows-95"},
		{"POST", "/app-setups", `{}`, "source_blob.url"},
		{"POST", "/app-setups", `{"source_blob":{"url":"ftp://x/y"}}`, "ftp://x/y"},
		{"POST", "/app-setups", `{"source_blob":{"url":"https://x/y","checksum":"MD5:1"}}`, "SHA256"},
		{"POST", "/app-setups", `{"source_blob":{"url":"https://x/y"},"app":{"name":"A"}}`, "too short"},
		{"POST", "/app-setups", `{"source_blob":{"url":"https://x/y"},"app":{"space":"s"}}`, "space"},
		{"POST", "/app-setups", `{"source_blob":{"url":"https://x/y"},"app":{"organization":"o","personal":true}}`, "exclude"},
		{"POST", "/app-setups", `{"source_blob":{"url":"https://x/y"},"overrides":{"env":{"A B":"1"}}}`, "A B"},
		{"POST", "/app-setups", `{"source_blob":{"url":"https://x/y"},"overrides":{"env":{"A":1}}}`, "env"},
		{"POST", "/app-setups", `{"source_blob":{"url":"https://x/y"},"overrides":{"buildpacks":[{"url":"a b"}]}}`, "a b"},
		{"PATCH", "/apps/myapp/config-vars", `{"A":5}`, "A"},
		{"PATCH", "/apps/myapp/config-vars", `{"A":{"b":1}}`, "A"},
		{"PATCH", "/apps/myapp/config-vars", `{"A B":"1"}`, "A B"},
		{"PATCH", "/apps/myapp/config-vars", `{"A=B":"1"}`, "A=B"},
		{"PATCH", "/apps/myapp/config-vars", `{"1A":"1"}`, "1A"},
		{"PATCH", "/apps/myapp/config-vars", `{"":"1"}`, "empty"},
		{"PATCH", "/apps/myapp/config-vars", `{"A":"x\u0000y"}`, "NUL"},
		{"PATCH", "/apps/myapp/config-vars", `{"A":"` + strings.Repeat("x", 65<<10) + `"}`, "too large"},
		{"PATCH", "/apps/myapp/config-vars", `{"` + strings.Repeat("A", 513) + `":"x"}`, "too long"},
		{"PATCH", "/apps/myapp/formation", `{}`, "updates"},
		{"PATCH", "/apps/myapp/formation", `{"updates":[{"quantity":1}]}`, "type"},
		{"PATCH", "/apps/myapp/formation", `{"updates":[{"type":"web","quantity":-1}]}`, ""},
		{"PATCH", "/apps/myapp/formation", `{"updates":[{"type":"web","quantity":1000000}]}`, ""},
		{"PATCH", "/apps/myapp/formation", `{"updates":[{"type":"web","quantity":"-5"}]}`, ""},
		{"PATCH", "/apps/myapp/formation", `{"updates":[{"type":"web","quantity":1.5}]}`, "1.5"},
		{"PATCH", "/apps/myapp/formation", `{"updates":[{"type":"web","quantity":"many"}]}`, "many"},
		{"PATCH", "/apps/myapp/formation", `{"updates":[{"type":"web","quantity":99999999999999999999}]}`, ""},
		{"PATCH", "/apps/myapp/formation", `{"updates":[{"type":"web","size":"Huge"}]}`, "Huge"},
		{"PATCH", "/apps/myapp/formation", `{"updates":[{"type":"nosuch","quantity":1}]}`, "nosuch"},
		{"PATCH", "/apps/myapp/formation", `{"updates":[{"type":"web","docker_image":"x"}]}`, "registry"},
		{"PATCH", "/apps/myapp/formation/web", `{"quantity":-1}`, ""},
		{"POST", "/apps/myapp/builds", `{}`, "source_blob.url"},
		{"POST", "/apps/myapp/builds", `{"source_blob":{"url":"file:///etc/passwd"}}`, "http"},
		{"POST", "/apps/myapp/builds", `{"source_blob":{"url":"nonsense"}}`, "http"},
		{"POST", "/apps/myapp/builds", `{"source_blob":{"url":7}}`, "url"},
		{"POST", "/apps/myapp/slugs", `{}`, "process_types"},
		{"POST", "/apps/myapp/slugs", `{"process_types":{"w b":"x"}}`, "w b"},
		{"POST", "/apps/myapp/releases", `{}`, "slug or release"},
		{"POST", "/apps/myapp/dynos", `{}`, "command"},
		{"POST", "/apps/myapp/dynos", `{"command":"ls","size":"Huge"}`, "Huge"},
		{"POST", "/apps/myapp/dynos", `{"command":"ls","time_to_live":-1}`, "time_to_live"},
		{"POST", "/apps/myapp/dynos", `{"command":"ls","env":{"A":[5]}}`, "env"},
		{"POST", "/apps/myapp/dynos", `{"command":"ls","env":{"A B":"5"}}`, "A B"},
		{"PUT", "/apps/myapp/buildpack-installations", `{}`, "updates"},
		{"PUT", "/apps/myapp/buildpack-installations", `{"updates":[{}]}`, "buildpack"},
		{"POST", "/apps/myapp/domains", `{}`, "hostname"},
		{"POST", "/apps/myapp/log-sessions", `{"lines":-1}`, "lines"},
		{"POST", "/apps/myapp/log-sessions", `{"lines":"many"}`, "lines"},
		{"POST", "/apps/myapp/addons", `{}`, "plan"},
	} {
		resp, body := s.raw(c.method, c.path, s.token, nil, []byte(c.body))
		var e struct{ ID, Message string }
		json.Unmarshal(body, &e)
		if resp.StatusCode != http.StatusUnprocessableEntity && resp.StatusCode != http.StatusNotFound || !strings.Contains(e.Message, c.part) {
			t.Errorf("%s %s %.60s: %d %s", c.method, c.path, c.body, resp.StatusCode, body)
		}
	}
	releases, err := s.Releases(t.Context(), "myapp", client.ListOptions{})
	must(t, err)
	dynos, err := s.Dynos(t.Context(), "myapp")
	must(t, err)
	for _, d := range dynos {
		if d.Type == "run" {
			t.Errorf("a refused request ran %+v", d)
		}
	}
	if last := releases[len(releases)-1]; !strings.HasPrefix(last.Description, "Deploy") {
		t.Errorf("a refused request made release %+v", last)
	}
}

func TestTheAllowanceIsToldAndEnds(t *testing.T) {
	t.Parallel()
	now := time.Now() // the clock stands: nothing is given back meanwhile
	s := newServer(t, func(d *api.Deps) { d.Now = func() time.Time { return now } })
	first, _ := s.raw("GET", "/account", s.token, nil, nil)
	second, _ := s.raw("GET", "/account", s.token, nil, nil)
	free, _ := s.raw("GET", "/account/rate-limits", s.token, nil, nil)
	a, b, c := first.Header.Get("RateLimit-Remaining"), second.Header.Get("RateLimit-Remaining"), free.Header.Get("RateLimit-Remaining")
	if a != "4499" || b != "4498" || c != "4498" {
		t.Errorf("remaining %s, %s, and %s after a free one", a, b, c)
	}
	s.api.Exhaust(s.account.ID)
	resp, body := s.raw("GET", "/account", s.token, nil, nil)
	if resp.StatusCode != http.StatusTooManyRequests || !strings.Contains(string(body), `"rate_limit"`) || resp.Header.Get("RateLimit-Remaining") != "0" {
		t.Errorf("with nothing left: %d %s", resp.StatusCode, body)
	}
	if resp, _ := s.raw("GET", "/account/rate-limits", s.token, nil, nil); resp.StatusCode != http.StatusOK {
		t.Errorf("asking how many are left: %d", resp.StatusCode)
	}
	if _, err := s.as(s.second("other@example.com", "global")).Account(t.Context()); err != nil {
		t.Errorf("another account: %v", err)
	}
}

func TestAChangeIsAnsweredOnceTheRouterHasIt(t *testing.T) {
	t.Parallel()
	var settled atomic.Int64
	s := newServer(t, func(d *api.Deps) {
		d.Settle = func(context.Context) error { settled.Add(1); return errors.New("no router") }
	})
	s.app("myapp")
	for _, c := range []struct {
		method, path, body string
		status             int
		want               int64
	}{
		{"PATCH", "/apps/myapp", `{"maintenance": true}`, 200, 1}, // though the router is away
		{"GET", "/apps/myapp", "", 200, 0},
		{"PATCH", "/apps/nosuch", `{"maintenance": true}`, 404, 0},
	} {
		before := settled.Load()
		resp, body := s.raw(c.method, c.path, s.token, nil, []byte(c.body))
		if got := settled.Load() - before; resp.StatusCode != c.status || got != c.want {
			t.Errorf("%s %s: %d %s; %d times waited, want %d", c.method, c.path, resp.StatusCode, body, got, c.want)
		}
	}
}
