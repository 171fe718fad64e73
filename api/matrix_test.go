package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/api"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/store"
)

// whose says of every route that is not below an app whose things it is about: the
// caller's "own", where nobody reaches another's, or "all", the same for every account,
// or "operator". A route without a line fails the test.
var whose = map[string]string{
	"POST /telemetry-drains": "own", "GET /telemetry-drains/{drain}": "own", "PATCH /telemetry-drains/{drain}": "own", "DELETE /telemetry-drains/{drain}": "own",
	"GET /account": "own", "PATCH /account": "own", "DELETE /account": "own", "GET /users/{user}": "own", "PATCH /users/{user}": "own", "DELETE /users/{user}": "own",
	"GET /kigo/accounts": "operator", "POST /kigo/accounts": "operator", "GET /kigo/audit": "operator", "GET /kigo/usage": "own", "GET /accounts/{user}/actions/get-quota": "own", "GET /kigo/stacks": "operator", "POST /kigo/stacks/{stack}/actions/patch": "operator", "GET /account/rate-limits": "own", "GET /account/features": "own",
	"GET /account/features/{feature}": "own", "PATCH /account/features/{feature}": "own",
	"GET /account/keys": "own", "POST /account/keys": "own", "GET /account/keys/{key}": "own", "DELETE /account/keys/{key}": "own",
	"GET /account/app-transfers": "own", "POST /account/app-transfers": "own", "GET /account/app-transfers/{transfer}": "own",
	"PATCH /account/app-transfers/{transfer}": "own", "DELETE /account/app-transfers/{transfer}": "own",
	"GET /oauth/authorizations": "own", "POST /oauth/authorizations": "own", "GET /oauth/authorizations/{authorization}": "own",
	"PATCH /oauth/authorizations/{authorization}": "own", "DELETE /oauth/authorizations/{authorization}": "own",
	"POST /oauth/authorizations/{authorization}/actions/regenerate-tokens": "own",
	"GET /oauth/sessions": "own", "DELETE /oauth/sessions/{session}": "own",
	"GET /oauth/clients": "own", "POST /oauth/clients": "own", "GET /oauth/clients/{client}": "own", "PATCH /oauth/clients/{client}": "own",
	"DELETE /oauth/clients/{client}": "own", "POST /oauth/clients/{client}/actions/rotate-credentials": "own",
	"GET /apps": "own", "POST /apps": "own", "GET /users/{user}/apps": "own", "POST /sources": "own",
	"POST /app-setups": "own", "GET /app-setups/{setup}": "own",
	"GET /dyno-sizes": "all", "GET /dyno-sizes/{size}": "all", "GET /stacks": "all", "GET /stacks/{stack}": "all", "GET /regions": "all", "GET /regions/{region}": "all",
	"GET /favorites": "own", "POST /favorites": "own", "DELETE /favorites/{favorite}": "own", "GET /user/notifications": "own",
	"GET /client/v11/apps/{app}/transfers": "own", "GET /data/maintenances/v1/apps/{app}": "own", "GET /addons": "own",
	"GET /addon-attachments": "own", "GET /addon-services": "all", "POST /actions/addons/resolve": "own", "POST /actions/addon-attachments/resolve": "own",
	"GET /pipelines": "own", "POST /pipelines": "own", "GET /pipelines/{pipeline}": "own", "PATCH /pipelines/{pipeline}": "own", "DELETE /pipelines/{pipeline}": "own",
	"GET /pipelines/{pipeline}/pipeline-couplings": "own", "GET /pipelines/{pipeline}/latest-builds": "own", "GET /pipelines/{pipeline}/latest-releases": "own",
	"GET /pipelines/{pipeline}/stage/{stage}/config-vars": "own", "PATCH /pipelines/{pipeline}/stage/{stage}/config-vars": "own",
	"GET /pipelines/{pipeline}/review-app-config": "own", "POST /pipelines/{pipeline}/review-app-config": "own", "PATCH /pipelines/{pipeline}/review-app-config": "own",
	"DELETE /pipelines/{pipeline}/review-app-config": "own", "GET /pipelines/{pipeline}/review-apps": "own", "GET /pipelines/{pipeline}/test-runs": "own",
	"GET /pipelines/{pipeline}/latest-deployments": "own", "GET /pipelines/{pipeline}/pipeline-stack": "own", "POST /pipeline-transfers": "own",
	"GET /pipeline-couplings": "own", "GET /users/~/pipeline-couplings": "own", "POST /pipeline-couplings": "own", "GET /pipeline-couplings/{coupling}": "own",
	"PATCH /pipeline-couplings/{coupling}": "own", "DELETE /pipeline-couplings/{coupling}": "own", "POST /pipeline-promotions": "own",
	"GET /pipeline-promotions/{promotion}": "own", "GET /pipeline-promotions/{promotion}/promotion-targets": "own", "POST /filters/apps": "own",
	"GET /teams": "own", "POST /teams": "own", "POST /teams/apps": "own", "GET /teams/invitations/{invitation}": "own", "POST /teams/invitations/{invitation}/accept": "own",
	"POST /kigo/accounts/{account}/actions/reset": "operator", "POST /kigo/accounts/{account}/actions/confirm-email": "operator",
	"POST /kigo/two-factor": "own", "POST /kigo/two-factor/actions/enable": "own", "POST /kigo/two-factor/actions/disable": "own",
	"GET /users/{user}/preferences": "own", "PATCH /users/{user}/preferences": "own", "DELETE /oauth/tokens/{token}": "own",
	"GET /identity-providers/{provider}": "own", "POST /identity-providers": "own", "PATCH /identity-providers/{provider}": "own",
	"GET /identity-providers/{provider}/certificates/{certificate}": "own", "POST /identity-providers/{provider}/certificates": "own",
	"PATCH /identity-providers/{provider}/certificates/{certificate}": "own", "DELETE /identity-providers/{provider}/certificates/{certificate}": "own",
	"PUT /users/~/capabilities": "own", "GET /account/payment-method/apps": "own",
	"GET /kigo/invitations": "own", "POST /kigo/enterprise-accounts": "operator",
	"GET /spaces": "own", "GET /spaces/{space}": "own", "GET /users/{user}/addons": "own", "GET /addon-region-capabilities": "all",
	"GET /regions/{region}/addon-region-capabilities": "all", "GET /account/credits": "own", "GET /account/invoices": "own", "GET /enterprise-accounts": "own",
	"GET /account/delinquency": "own", "GET /generations": "all", "GET /generations/{generation}": "all", "GET /teams/permissions": "all",
}

// The matrix: every route below an app, for the owner, for collaborators of each
// kind and for strangers.
func TestEveryRouteAsksForItsPermission(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	app := s.app("myapp")
	path := s.paths("myapp")
	tokens, have := map[string]string{"owner": s.token}, map[string][]string{"owner": kigo.Permissions}
	actors := map[string]control.Actor{"owner": s.actor}
	for role, permissions := range map[string][]string{
		"viewer": {"view"}, "deployer": {"deploy"}, "operator": {"operate"}, "usual": nil, "manager": {"deploy", "operate", "manage"}, "stranger": nil,
	} {
		email := role + "@example.com"
		tokens[role] = s.second(email, "global")
		must(t, s.store.View(t.Context(), func(tx *store.Tx) error {
			a, err := tx.AccountByEmail(email)
			actors[role] = control.Actor{ID: a.ID, Email: email}
			return err
		}))
		if role == "stranger" {
			continue
		}
		m, err := s.control.AddCollaborator(t.Context(), s.actor, kigo.AppID(app.ID), email, permissions)
		must(t, err)
		have[role] = m.Permissions
	}
	row, err := s.control.Members(t.Context(), kigo.AppID(app.ID))
	must(t, err)
	if len(row) != 6 {
		t.Fatalf("%d members", len(row))
	}
	seen := 0
	for _, rt := range api.Routes() {
		key := rt.Method + " " + rt.Pattern
		if rt.Below() != "app" {
			if rt.Below() == "" && !rt.Open() && !rt.Refused && whose[key] == "" {
				t.Errorf("%s has no line in whose: say whose things it is about", key)
			}
			continue
		}
		if !rt.Refused && !api.HasPermissionLine(key) {
			t.Errorf("%s has no line in permissions.go", key)
		}
		if !slices.Contains(kigo.Permissions, rt.Permission()) {
			t.Errorf("%s asks for the permission %q", key, rt.Permission())
			continue
		}
		for role, token := range tokens {
			allowed := slices.Contains(have[role], rt.Permission())
			if allowed && rt.Method != http.MethodGet && !takesBody[key] {
				continue // it would be done; Can is asked below for all
			}
			resp, body := s.raw(rt.Method, path(rt.Pattern), token, nil, []byte("["))
			forbidden := resp.StatusCode == http.StatusForbidden && strings.Contains(string(body), rt.Permission())
			foreign := resp.StatusCode == http.StatusNotFound && strings.Contains(string(body), "Couldn't find that app.")
			if want := role == "stranger"; foreign != want || !want && forbidden == allowed {
				t.Errorf("%s by %s: %d %s", key, role, resp.StatusCode, body)
			}
			seen++
		}
	}
	if seen < 200 {
		t.Errorf("the matrix has %d cells", seen)
	}
	for role, a := range actors {
		for _, p := range kigo.Permissions {
			err := s.control.Can(t.Context(), a, p, kigo.App{ID: kigo.AppID(app.ID), Name: "myapp", Owner: s.account.ID})
			if allowed := slices.Contains(have[role], p); (err == nil) != allowed {
				t.Errorf("may %s %s: %v", role, p, err)
			}
		}
	}
}

// The same for teams and enterprise accounts: every route below one, for each role.
func TestEveryRouteOfATeamAsksForItsPermission(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.app("myapp")
	path := s.paths("myapp")
	have := map[string]map[string][]string{
		"team": {
			"admin": {"create", "manage", "view"}, "member": {"create", "view"}, "viewer": {"view"}, "stranger": nil,
			"overseer": {"view"}, "director": {"create", "manage", "view"},
		},
		"enterprise": {"overseer": {"view"}, "founder": {"create", "view"}, "accountant": {"billing", "view"}, "director": {"manage", "view"}, "admin": nil, "stranger": nil},
	}
	tokens := map[string]string{}
	for _, roles := range have {
		for role := range roles {
			if tokens[role] == "" {
				tokens[role] = s.second(role+"@example.com", "global")
			}
		}
	}
	for role, email := range map[string]string{"admin": "admin@example.com", "member": "member@example.com", "viewer": "viewer@example.com"} {
		must(t, s.Do(t.Context(), "PUT", "/teams/myteam/members", map[string]string{"email": email, "role": role}, nil))
	}
	for role, permissions := range have["enterprise"] {
		if permissions != nil {
			must(t, s.Do(t.Context(), "POST", "/enterprise-accounts/myfirm/members", map[string]any{"user": role + "@example.com", "permissions": permissions}, nil))
		}
	}
	noun := map[string]string{"team": "team", "enterprise": "enterprise account"}
	seen := 0
	for _, rt := range api.Routes() {
		kind, key := rt.Below(), rt.Method+" "+rt.Pattern
		if kind != "team" && kind != "enterprise" {
			continue
		}
		if !rt.Refused && !api.HasPermissionLine(key) {
			t.Errorf("%s has no line in permissions.go", key)
		}
		for role, mine := range have[kind] {
			allowed := slices.Contains(mine, rt.Permission())
			if allowed && rt.Method != http.MethodGet && !takesBody[key] {
				continue // it would be done
			}
			resp, body := s.raw(rt.Method, path(rt.Pattern), tokens[role], nil, []byte("["))
			forbidden := resp.StatusCode == http.StatusForbidden && strings.Contains(string(body), rt.Permission())
			foreign := resp.StatusCode == http.StatusNotFound && strings.Contains(string(body), "Couldn't find that "+noun[kind]+".")
			if want := mine == nil; foreign != want || !want && forbidden == allowed {
				t.Errorf("%s by %s: %d %s", key, role, resp.StatusCode, body)
			}
			seen++
		}
	}
	if seen < 100 {
		t.Errorf("the matrix has %d cells", seen)
	}
}

func TestWhoseHasNoLineTooMany(t *testing.T) {
	for key := range whose {
		if !slices.ContainsFunc(api.Routes(), func(rt api.Route) bool { return rt.Method+" "+rt.Pattern == key }) {
			t.Errorf("%s is no route", key)
		}
	}
}
