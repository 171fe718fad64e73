package cli_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kigo-dev/kigo/client"
)

// fake is a server with one app, myapp, that never changes: its answers to
// changes are what a real one would say. Both command lines are run against it,
// so it holds nothing of either.
type fake struct {
	*httptest.Server
	ago    func(time.Duration) time.Time
	attach string // attach_url of the one-off
	last   atomic.Pointer[client.NewDyno]
}

// ran is the one-off that was asked for last.
func (f *fake) ran() client.NewDyno { return *f.last.Load() }

// reply is an answer: a status other than 200, or a body.
type reply struct {
	status int
	body   any
}

func newFake(t testing.TB) *fake {
	f := &fake{ago: func(d time.Duration) time.Time { return time.Now().UTC().Truncate(time.Second).Add(-d) }}
	f.Server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.Close)
	return f
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if strings.HasPrefix(r.URL.Path, "/logstream/") {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "id: 1\ndata: 2026-11-20T12:00:00.000000+00:00 app[web.1]: hello\n\n")
		io.WriteString(w, "id: 2\ndata: 2026-11-20T12:00:01.000000+00:00 heroku[router]: at=info method=GET path=\"/\"\n\n")
		return
	}
	if r.URL.Path == "/output" {
		io.WriteString(w, "migrating\ndone\n")
		return
	}
	if r.Header.Get("Authorization") == "Bearer wrong" {
		w.WriteHeader(http.StatusUnauthorized)
		io.WriteString(w, `{"id":"unauthorized","message":"Invalid credentials provided."}`)
		return
	}
	a := f.answer(r.Method+" "+r.URL.EscapedPath(), r, body)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Request-Id", "01234567-89ab-cdef-0123-456789abcdef")
	if a.status != 0 {
		w.WriteHeader(a.status)
	}
	json.NewEncoder(w).Encode(a.body)
}

func (f *fake) answer(what string, r *http.Request, body []byte) reply {
	if r.Header.Get("Authorization") != "Bearer HRKU-secret" && !strings.Contains(what, "/buildpacks/") && !strings.Contains(what, "/current-status") && r.Header.Get("Authorization") != "Basic OkhSS1Utc2VjcmV0" {
		return refuse(401, "unauthorized", "Invalid credentials provided.")
	}
	if strings.Contains(what, "/apps/nosuch") {
		return refuse(404, "not_found", "Couldn't find that app.")
	}
	if a, ok := f.apps(what, body); ok {
		return a
	}
	if a, ok := f.drains(what, r.URL.RawQuery, body); ok {
		return a
	}
	if a, ok := f.certs(what); ok {
		return a
	}
	if a, ok := f.tokens(what); ok {
		return a
	}
	if a, ok := f.teams(what); ok {
		return a
	}
	if a, ok := f.pipelines(what, r.URL.RawQuery, body); ok {
		return a
	}
	if a, ok := f.hooks(what); ok {
		return a
	}
	if a, ok := f.dynos(what, body); ok {
		return a
	}
	if a, ok := f.releases(what, r.Header.Get("Range")); ok {
		return a
	}
	return refuse(404, "not_found", "The fake knows no "+what+".")
}

func refuse(status int, id, message string) reply {
	return reply{status, map[string]string{"id": id, "message": message}}
}

func ptr[T any](v T) *T { return &v }

func (f *fake) app(name string) client.App {
	return client.App{
		ID: "01234567-89ab-cdef-0123-456789abcdef", Name: name, CreatedAt: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC),
		GitURL: "https://git.heroku.com/" + name + ".git", WebURL: "http://" + name + ".localhost:8080/",
		Owner: client.UserRef{Email: "me@example.com", ID: "11111111-89ab-cdef-0123-456789abcdef"}, Region: client.Ref{ID: "r", Name: "eu"},
		Stack: client.Ref{ID: "s", Name: "heroku-22"}, BuildStack: client.Ref{ID: "s", Name: "heroku-22"},
		Generation: client.Ref{ID: "g", Name: "cedar"}, RepoSize: ptr[int64](12345), SlugSize: ptr[int64](12345678),
		UpdatedAt: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC), CreateStatus: "complete",
	}
}

func (f *fake) apps(what string, body []byte) (reply, bool) {
	app := f.app("myapp")
	account := client.Account{Email: "me@example.com", ID: app.Owner.ID, Name: ptr("Me")}
	features := []client.Feature{
		{Name: "log-runtime-metrics", DisplayName: "Log Runtime Metrics", Description: "Memory and load lines in the log", DocURL: "https://example.com/doc", Enabled: true, State: "general"},
		{Name: "early", DisplayName: "Early", Description: "Something experimental", DocURL: "https://example.com/doc", State: "beta"},
		{Name: "preboot", DisplayName: "Preboot", Description: "Start new dynos before old ones stop", DocURL: "https://example.com/doc", State: "general"},
	}
	var in struct {
		Name    string
		Updates []struct{ Buildpack string }
	}
	json.Unmarshal(body, &in)
	var packs []client.BuildpackInstallation
	for i, u := range in.Updates {
		packs = append(packs, client.BuildpackInstallation{Ordinal: i, Buildpack: pack(u.Buildpack)})
	}
	switch what {
	case "GET /account":
		return reply{body: account}, true
	case "GET /apps", "GET /users/~/apps":
		other := f.app("other")
		other.Owner.Email = "you@example.com"
		apps := []client.App{f.app("zapp"), app}
		if what == "GET /apps" {
			apps = append(apps, other)
		}
		return reply{body: apps}, true
	case "POST /apps":
		if in.Name == "taken" {
			return refuse(422, "invalid_params", "Name taken is already taken"), true
		}
		if in.Name == "" {
			in.Name = "frozen-harbor-40127"
		}
		return reply{201, f.app(in.Name)}, true
	case "GET /apps/myapp", "DELETE /apps/myapp":
		return reply{body: app}, true
	case "PATCH /apps/myapp":
		if in.Name != "" {
			app = f.app(in.Name)
		}
		return reply{body: app}, true
	case "GET /apps/myapp/addons", "GET /apps/myapp/addon-attachments", "GET /addons", "GET /addon-attachments":
		return reply{body: []int{}}, true
	case "GET /apps/myapp/collaborators":
		return reply{body: []client.Collaborator{
			{User: client.CollaboratorUser{Email: "me@example.com"}, Role: ptr("owner")},
			{User: client.CollaboratorUser{Email: "you@example.com"}, Role: ptr("collaborator")},
		}}, true
	case "GET /apps/myapp/config-vars":
		return reply{body: map[string]string{"LANG": "en", "A_LONG_NAME": "it's here", "EMPTY": ""}}, true
	case "PATCH /apps/myapp/config-vars":
		return reply{body: map[string]string{"A": "1", "B": "two words", "LANG": "en"}}, true
	case "GET /apps/myapp/buildpack-installations":
		return reply{body: []client.BuildpackInstallation{
			{Ordinal: 0, Buildpack: pack("heroku/nodejs")}, {Ordinal: 1, Buildpack: pack("https://example.com/x/pack.git")},
		}}, true
	case "PUT /apps/myapp/buildpack-installations":
		return reply{body: append([]client.BuildpackInstallation{}, packs...)}, true
	case "GET /apps/myapp/domains":
		return reply{body: []client.Domain{{Hostname: "myapp.localhost", Kind: "heroku", Status: "succeeded", App: client.Ref{Name: "myapp"}}}}, true
	case "GET /stacks":
		return reply{body: []client.Stack{{Name: "heroku-22", State: "public", Default: true}, {Name: "heroku-24", State: "public"}}}, true
	case "GET /regions":
		return reply{body: []client.Region{
			{Name: "us", Description: "United States", Country: "United States", Locale: "Virginia"},
			{Name: "eu", Description: "Europe", Country: "Ireland", Locale: "Dublin"},
		}}, true
	case "GET /apps/myapp/features", "GET /account/features":
		return reply{body: features}, true
	case "GET /apps/myapp/features/preboot", "PATCH /apps/myapp/features/preboot":
		return reply{body: features[2]}, true
	case "GET /apps/myapp/features/log-runtime-metrics", "PATCH /apps/myapp/features/log-runtime-metrics":
		return reply{body: features[0]}, true
	case "GET /apps/myapp/features/early", "PATCH /apps/myapp/features/early":
		return reply{body: features[1]}, true
	case "GET /account/features/early":
		return refuse(404, "not_found", "Couldn't find that feature."), true
	}
	if name, ok := strings.CutPrefix(what, "GET /buildpacks/"); ok {
		return reply{body: map[string]string{"blob_url": "urn:buildpack:" + strings.ReplaceAll(name, "%2F", "/")}}, true
	}
	return reply{}, false
}

func (f *fake) drains(what, query string, body []byte) (reply, bool) {
	d := client.Drain{
		App: client.Ref{Name: "myapp"}, ID: "44444444-89ab-cdef-0123-456789abcdef", Token: "d.22222222-89ab-cdef-0123-456789abcdef",
		URL: "https://user:xxxxx@logs.example.com/x", CreatedAt: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC), UpdatedAt: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC),
	}
	if query == "extended=true" {
		d.Extended = &client.DrainExtended{DrainID: d.ID}
	}
	switch {
	case what == "GET /apps/myapp/log-drains":
		return reply{body: []client.Drain{d}}, true
	case what == "POST /apps/myapp/log-drains" && strings.Contains(string(body), "ftp"):
		return refuse(422, "invalid_params", "Url is invalid"), true
	case what == "POST /apps/myapp/log-drains":
		return reply{201, d}, true
	case strings.HasPrefix(what, "DELETE /apps/myapp/log-drains/"):
		return reply{body: d}, true
	}
	return reply{}, false
}

func pack(s string) client.Buildpack {
	if name, ok := strings.CutPrefix(s, "urn:buildpack:"); ok {
		return client.Buildpack{URL: s, Name: name}
	}
	if !strings.Contains(s, "://") {
		return client.Buildpack{URL: "urn:buildpack:" + s, Name: s}
	}
	return client.Buildpack{URL: s, Name: s}
}

func (f *fake) dynos(what string, body []byte) (reply, bool) {
	release := client.ReleaseRef{ID: "22222222-89ab-cdef-0123-456789abcdef", Version: 3}
	dyno := func(name, typ, state string, d time.Duration, command string) client.Dyno {
		return client.Dyno{
			ID: "33333333-89ab-cdef-0123-456789abcdef", Name: name, Type: typ, State: state, Command: command, Size: "Basic",
			UpdatedAt: f.ago(d), CreatedAt: f.ago(d), Release: release, App: client.Ref{Name: "myapp"},
		}
	}
	formation := map[string]client.Formation{
		"web":    {Type: "web", Quantity: 2, Size: "Basic", Command: "bin/web", App: client.Ref{Name: "myapp"}},
		"worker": {Type: "worker", Quantity: 0, Size: "Standard-2X", Command: "bin/worker", App: client.Ref{Name: "myapp"}},
	}
	switch what {
	case "GET /apps/myapp/dynos":
		return reply{body: []client.Dyno{
			dyno("web.2", "web", "starting", 90*time.Second, "bin/web"), dyno("web.1", "web", "up", 150*time.Minute, "bin/web"),
			dyno("worker.1", "worker", "crashed", 75*time.Hour, "bin/worker --all"), dyno("run.1234", "run", "up", 20*time.Second, "bash"),
		}}, true
	case "GET /apps/myapp/formation":
		return reply{body: []client.Formation{formation["worker"], formation["web"]}}, true
	case "PATCH /apps/myapp/formation":
		var in struct {
			Updates []struct {
				Type, Size string
				Quantity   json.RawMessage // a number, or text such as "+1"
			}
		}
		json.Unmarshal(body, &in)
		changed := []client.Formation{}
		for _, u := range in.Updates {
			now, ok := formation[u.Type]
			if !ok {
				return refuse(404, "not_found", "Couldn't find that process type ("+u.Type+")."), true
			}
			if q := strings.Trim(string(u.Quantity), `"`); q != "" {
				n, _ := strconv.Atoi(q)
				if q[0] == '+' || q[0] == '-' {
					n += now.Quantity
				}
				now.Quantity = n
			}
			if u.Size != "" {
				now.Size = u.Size
			}
			changed = append(changed, now)
		}
		return reply{body: changed}, true
	case "POST /apps/myapp/dynos":
		var n client.NewDyno
		json.Unmarshal(body, &n)
		f.last.Store(&n)
		d := dyno("run.1234", "run", "starting", 0, "bash")
		if n.Attach {
			d.AttachURL = &f.attach
		}
		return reply{201, d}, true
	case "DELETE /apps/myapp/dynos", "DELETE /apps/myapp/dynos/web.1", "DELETE /apps/myapp/formations/web",
		"POST /apps/myapp/dynos/web.1/actions/stop", "POST /apps/myapp/formations/worker/actions/stop":
		return reply{202, map[string]any{}}, true
	case "POST /apps/myapp/log-sessions":
		return reply{201, client.LogSession{ID: "l", LogplexURL: f.URL + "/logstream/l"}}, true
	}
	return reply{}, false
}

func (f *fake) releases(what, list string) (reply, bool) {
	release := func(version int, description, status string) client.Release {
		r := client.Release{
			ID: "22222222-89ab-cdef-0123-456789abcdef", Version: version, Description: description, Status: status, App: client.Ref{Name: "myapp"},
			User: client.UserRef{Email: "me@example.com", ID: "u"}, CreatedAt: f.ago(time.Hour), UpdatedAt: f.ago(time.Hour), Slug: &client.IDRef{ID: "s"},
			AddonPlanNames: []string{}, Artifacts: []client.Artifact{}, Current: version == 3, EligibleForRollback: version < 4 && version > 1,
		}
		if version == 4 {
			r.OutputStreamURL = ptr(f.URL + "/output")
		}
		return r
	}
	all := []client.Release{
		release(4, "Deploy 01234567", "failed"), release(3, "Set A, B config vars", "succeeded"),
		release(2, "Enable Logplex", "succeeded"), release(1, "Initial release", "succeeded"),
	}
	switch what {
	case "GET /apps/myapp/releases":
		if strings.Contains(list, "max=2,") {
			all = all[:2]
		}
		return reply{body: all}, true
	case "GET /apps/myapp/slugs/s":
		return reply{body: client.Slug{ID: "s", Checksum: ptr("SHA256:0123")}}, true
	case "GET /apps/live/releases":
		return reply{body: all[3:]}, true
	case "GET /apps/live/slugs/s":
		return reply{body: client.Slug{ID: "s", Checksum: ptr("SHA256:4567")}}, true
	case "GET /apps/myapp/releases/2":
		return reply{body: all[2]}, true
	case "GET /apps/myapp/releases/4":
		return reply{body: all[0]}, true
	case "GET /apps/myapp/releases/5", "GET /apps/myapp/releases/6":
		r := release(5, "Deploy 89abcdef", "succeeded")
		r.Slug.ID = map[bool]string{true: "sized", false: "removed"}[strings.HasSuffix(what, "5")]
		return reply{body: r}, true
	case "GET /apps/myapp/slugs/sized":
		return reply{body: client.Slug{ID: "sized", Size: ptr(int64(15_100_000))}}, true
	case "GET /apps/myapp/slugs/removed":
		return refuse(404, "not_found", "Couldn't find that slug."), true
	case "POST /apps/myapp/releases":
		return reply{201, release(5, "Rollback to v2", "succeeded")}, true
	}
	if strings.HasPrefix(what, "GET /apps/myapp/releases/") && strings.HasSuffix(what, "/config-vars") {
		return reply{body: map[string]string{"A": "1", "B": "two words"}}, true
	}
	if strings.HasPrefix(what, "GET /apps/myapp/releases/") {
		return refuse(404, "not_found", "Couldn't find that release."), true
	}
	return reply{}, false
}
