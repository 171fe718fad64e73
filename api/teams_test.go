package api_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kigo-dev/kigo/client"
)

func TestTeamsHaveMembersWithRoles(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	bob, eve := s.as(s.second("bob@example.com", "global")), s.as(s.second("eve@example.com", "global"))
	var team client.Team
	must(t, s.Do(ctx, "POST", "/teams", map[string]any{"name": "crew", "card_number": "4111"}, &team))
	if team.Name != "crew" || *team.Role != "admin" || team.Type != "team" || team.EnterpriseAccount != nil {
		t.Errorf("made %+v", team)
	}
	for name, text := range map[string]string{"crew": "taken", "": "letters", "Crew": "letters", "apps": "reserved", "a": "letters", "../x": "letters", "a;id": "letters"} {
		wantError(t, s.Do(ctx, "POST", "/teams", map[string]any{"name": name}, nil), 422, "invalid_params", text)
	}
	wantError(t, bob.Do(ctx, "GET", "/teams/crew", nil, nil), 404, "not_found", "team")
	wantError(t, bob.Do(ctx, "GET", "/teams/"+team.ID, nil, nil), 404, "not_found", "team")

	// Who is invited joins by accepting, and nobody else can.
	var invited client.TeamInvitation
	must(t, s.Do(ctx, "PUT", "/teams/crew/invitations", map[string]any{"email": "bob@example.com", "role": "member"}, &invited))
	wantError(t, eve.Do(ctx, "GET", "/teams/invitations/"+invited.ID, nil, nil), 404, "not_found", "team invitation")
	wantError(t, eve.Do(ctx, "POST", "/teams/invitations/"+invited.ID+"/accept", nil, nil), 404, "not_found", "team invitation")
	wantError(t, s.Do(ctx, "PUT", "/teams/crew/invitations", map[string]any{"email": "nobody@example.com", "role": "member"}, nil), 404, "not_found", "accounts:create")
	must(t, bob.Do(ctx, "GET", "/teams/invitations/"+invited.ID, nil, &invited))
	var mine []client.TeamInvitation
	must(t, bob.Do(ctx, "GET", "/kigo/invitations", nil, &mine))
	if len(mine) != 1 || mine[0].Team.Name != "crew" || *mine[0].Role != "member" {
		t.Errorf("bob's invitations %+v", mine)
	}
	must(t, bob.Do(ctx, "POST", "/teams/invitations/"+invited.ID+"/accept", nil, nil))
	wantError(t, bob.Do(ctx, "POST", "/teams/invitations/"+invited.ID+"/accept", nil, nil), 404, "not_found", "team invitation")
	must(t, s.Do(ctx, "PUT", "/teams/crew/invitations", map[string]any{"email": "eve@example.com", "role": "viewer"}, &invited))
	must(t, s.Do(ctx, "GET", "/teams/crew/invitations", nil, &mine))
	must(t, s.Do(ctx, "DELETE", "/teams/crew/invitations/eve@example.com", nil, nil))
	wantError(t, eve.Do(ctx, "POST", "/teams/invitations/"+invited.ID+"/accept", nil, nil), 404, "not_found", "team invitation")

	var m client.TeamMember
	must(t, s.Do(ctx, "POST", "/teams/crew/members", map[string]any{"email": "eve@example.com", "role": "member"}, &m))
	wantError(t, s.Do(ctx, "POST", "/teams/crew/members", map[string]any{"email": "eve@example.com", "role": "member"}, nil), 422, "invalid_params", "already")
	wantError(t, s.Do(ctx, "PUT", "/teams/crew/members", map[string]any{"email": "eve@example.com", "role": "king"}, nil), 422, "invalid_params", "king")
	must(t, s.Do(ctx, "PATCH", "/teams/crew/members", map[string]any{"email": "eve@example.com", "role": "admin"}, &m))
	must(t, eve.Do(ctx, "PUT", "/teams/crew/members", map[string]any{"email": operator, "role": "member"}, &m))
	wantError(t, eve.Do(ctx, "PATCH", "/teams/crew/members", map[string]any{"email": "eve@example.com", "role": "member"}, nil), 422, "invalid_params", "needs an admin")
	wantError(t, eve.Do(ctx, "DELETE", "/teams/crew/members/eve@example.com", nil, nil), 422, "invalid_params", "needs an admin")
	wantError(t, eve.Do(ctx, "DELETE", "/account", nil, nil), 422, "invalid_params", "needs an admin")
	wantError(t, bob.Do(ctx, "DELETE", "/teams/crew/members/eve@example.com", nil, nil), 403, "forbidden", "manage")
	var members []client.TeamMember
	must(t, bob.Do(ctx, "GET", "/teams/crew/members", nil, &members))
	admins := 0
	for _, m := range members {
		if *m.Role == "admin" && m.Email == "eve@example.com" {
			admins++
		}
	}
	if len(members) != 3 || admins != 1 {
		t.Errorf("members %+v", members)
	}
	must(t, bob.Do(ctx, "DELETE", "/teams/crew/members/bob@example.com", nil, &m)) // he leaves
	wantError(t, bob.Do(ctx, "GET", "/teams/crew", nil, nil), 404, "not_found", "team")

	must(t, eve.Do(ctx, "PATCH", "/teams/crew", map[string]any{"name": "band", "default": true}, &team))
	must(t, eve.Do(ctx, "GET", "/teams/band", nil, &team))
	if !team.Default || team.Name != "band" {
		t.Errorf("after the change %+v", team)
	}
	var teams []client.Team
	must(t, s.Do(ctx, "GET", "/teams", nil, &teams))
	if len(teams) != 1 || *teams[0].Role != "member" || teams[0].Default {
		t.Errorf("teams %+v", teams)
	}
	// A team is no account.
	wantError(t, s.Do(ctx, "POST", "/kigo/accounts", map[string]any{"email": "x@herokumanager.com"}, nil), 422, "invalid_params", "team")
	_, err := s.as("").Login(ctx, "band@herokumanager.com", "", client.NewAuthorization{})
	wantError(t, err, 401, "unauthorized", "")
	must(t, eve.Do(ctx, "DELETE", "/teams/band", nil, nil))
	wantError(t, eve.Do(ctx, "GET", "/teams/band", nil, nil), 404, "not_found", "team")
}

func TestTeamsOwnApps(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	bob, eve := s.as(s.second("bob@example.com", "global")), s.as(s.second("eve@example.com", "global"))
	must(t, s.Do(ctx, "POST", "/teams", map[string]any{"name": "crew"}, nil))
	must(t, s.Do(ctx, "PUT", "/teams/crew/members", map[string]any{"email": "bob@example.com", "role": "member"}, nil))
	must(t, s.Do(ctx, "PUT", "/teams/crew/members", map[string]any{"email": "eve@example.com", "role": "viewer"}, nil))
	var app client.TeamApp
	must(t, s.Do(ctx, "POST", "/teams/apps", map[string]any{"name": "crewapp", "team": "crew"}, &app))
	if app.Team == nil || app.Team.Name != "crew" || app.Owner.Email != "crew@herokumanager.com" || !app.Joined || app.Locked {
		t.Errorf("made %+v", app)
	}
	wantError(t, eve.Do(ctx, "POST", "/teams/apps", map[string]any{"name": "evesapp", "team": "crew"}, nil), 403, "forbidden", "create")
	wantError(t, bob.Do(ctx, "POST", "/teams/apps", map[string]any{"name": "x-1", "team": "other"}, nil), 404, "not_found", "team")
	wantError(t, bob.Do(ctx, "POST", "/teams/apps", map[string]any{"name": "x-1", "team": "crew", "space": "den"}, nil), 404, "not_found", "space")

	// A member sees it, joins it, and works on it; a viewer sees.
	apps, err := bob.Apps(ctx)
	must(t, err)
	if len(apps) != 1 {
		t.Errorf("bob sees %+v", apps)
	}
	set := map[string]*string{"A": ptr("1")}
	_, err = bob.SetConfigVars(ctx, "crewapp", set)
	wantError(t, err, 403, "forbidden", "operate")
	must(t, s.Do(ctx, "PATCH", "/teams/apps/crewapp", map[string]any{"locked": true}, &app))
	join := func(c *client.Client, user string) error {
		return c.Do(ctx, "POST", "/teams/apps/crewapp/collaborators", map[string]any{"user": user}, nil)
	}
	wantError(t, join(bob, "bob@example.com"), 403, "forbidden", "locked")
	must(t, s.Do(ctx, "PATCH", "/teams/apps/crewapp", map[string]any{"locked": false}, &app))
	wantError(t, join(eve, "eve@example.com"), 403, "forbidden", "members")
	wantError(t, join(bob, "eve@example.com"), 403, "forbidden", "manage")
	must(t, join(bob, "bob@example.com"))
	_, err = bob.SetConfigVars(ctx, "crewapp", set)
	must(t, err)
	wantError(t, bob.Do(ctx, "DELETE", "/apps/crewapp", nil, nil), 403, "forbidden", "manage")
	var part client.Collaborator
	must(t, s.Do(ctx, "PATCH", "/teams/apps/crewapp/collaborators/bob@example.com", map[string]any{"permissions": []string{"view"}}, &part))
	wantError(t, s.Do(ctx, "PATCH", "/teams/apps/crewapp/collaborators/bob@example.com", map[string]any{}, nil), 422, "invalid_params", "permissions")
	_, err = bob.SetConfigVars(ctx, "crewapp", set)
	wantError(t, err, 403, "forbidden", "operate")
	must(t, s.Do(ctx, "GET", "/teams/apps/crewapp/collaborators/bob@example.com", nil, &part))
	var parts []client.Collaborator
	must(t, s.Do(ctx, "GET", "/teams/apps/crewapp/collaborators", nil, &parts))
	if len(parts) != 3 || parts[0].User.Email == "" {
		t.Errorf("collaborators %+v", parts)
	}
	var entities []client.PermissionEntity
	must(t, s.Do(ctx, "GET", "/teams/crew/permissions", nil, &entities))
	if len(entities) != 1 || len(entities[0].Users) != 3 || entities[0].Name != "crewapp" {
		t.Errorf("permissions %+v", entities)
	}
	var list []client.TeamApp
	must(t, s.Do(ctx, "GET", "/teams/crew/members/bob@example.com/apps", nil, &list))
	must(t, bob.Do(ctx, "GET", "/teams/crew/apps", nil, &list))
	if len(list) != 1 || !list[0].Joined {
		t.Errorf("apps of the team %+v", list)
	}
	// Those of teams are in the teams' lists only.
	must(t, bob.Do(ctx, "GET", "/users/~/apps", nil, &list))
	must(t, eve.Do(ctx, "GET", "/users/~/apps", nil, &parts))
	if len(list) != 0 || len(parts) != 0 {
		t.Errorf("own apps: %+v and %+v", list, parts)
	}

	// Apps move between people and teams.
	s.app("mine")
	wantError(t, bob.Do(ctx, "PATCH", "/teams/apps/mine", map[string]any{"owner": "crew"}, nil), 404, "not_found", "app")
	wantError(t, s.Do(ctx, "PATCH", "/teams/apps/mine", map[string]any{"owner": "bob@example.com"}, nil), 422, "invalid_params", "apps:transfer")
	wantError(t, s.Do(ctx, "PATCH", "/teams/apps/mine", map[string]any{"locked": true}, nil), 422, "invalid_params", "no team")
	wantError(t, s.Do(ctx, "PATCH", "/teams/apps/mine", map[string]any{}, nil), 422, "invalid_params", "required")
	must(t, s.Do(ctx, "PATCH", "/teams/apps/mine", map[string]any{"owner": "crew"}, &app))
	if app.Owner.Email != "crew@herokumanager.com" {
		t.Errorf("moved %+v", app.Owner)
	}
	must(t, s.Do(ctx, "PATCH", "/teams/apps/mine", map[string]any{"owner": "bob@example.com"}, &app))
	if app.Owner.Email != "bob@example.com" || app.Team != nil {
		t.Errorf("moved back %+v", app)
	}
	wantError(t, s.Do(ctx, "DELETE", "/teams/crew", nil, nil), 422, "invalid_params", "owns apps")
	must(t, s.Do(ctx, "GET", "/teams/apps/crewapp", nil, &app))

	// A member who is taken away loses the apps at once.
	must(t, s.Do(ctx, "DELETE", "/teams/crew/members/bob@example.com", nil, nil))
	wantError(t, bob.Do(ctx, "GET", "/apps/crewapp", nil, nil), 404, "not_found", "app")
	must(t, s.Do(ctx, "POST", "/teams/apps/crewapp/collaborators", map[string]any{"user": "bob@example.com", "permissions": []string{"deploy"}}, &part))
	must(t, s.Do(ctx, "DELETE", "/teams/apps/crewapp/collaborators/bob@example.com", nil, &part))
}

func TestTeamsOwnPipelinesAndSettings(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	bob := s.as(s.second("bob@example.com", "global"))
	var team client.Team
	must(t, s.Do(ctx, "POST", "/teams", map[string]any{"name": "crew"}, &team))
	var p client.Pipeline
	must(t, s.Do(ctx, "POST", "/pipelines", map[string]any{"name": "flow", "owner": map[string]string{"id": team.ID, "type": "team"}}, &p))
	if p.Owner.Type != "team" || p.Owner.ID != team.ID {
		t.Errorf("made %+v", p.Owner)
	}
	wantError(t, bob.Do(ctx, "GET", "/pipelines/flow", nil, nil), 404, "not_found", "pipeline")
	must(t, s.Do(ctx, "PUT", "/teams/crew/members", map[string]any{"email": "bob@example.com", "role": "member"}, nil))
	must(t, bob.Do(ctx, "GET", "/pipelines/flow", nil, nil))
	wantError(t, bob.Do(ctx, "DELETE", "/pipelines/flow", nil, nil), 403, "forbidden", "manage")
	s.app("myapp")
	must(t, s.Do(ctx, "POST", "/pipeline-couplings", map[string]any{"app": "myapp", "pipeline": p.ID, "stage": "production"}, nil))
	var couplings []client.PipelineCoupling
	must(t, bob.Do(ctx, "GET", "/teams/crew/pipeline-couplings", nil, &couplings))
	if len(couplings) != 1 {
		t.Errorf("couplings %+v", couplings)
	}
	var preferences client.TeamPreferences
	must(t, s.Do(ctx, "PATCH", "/teams/crew/preferences", map[string]any{"addons-controls": true, "default-permission": "admin"}, &preferences))
	must(t, s.Do(ctx, "GET", "/teams/crew/preferences", nil, &preferences))
	if !*preferences.AddonsControls || *preferences.DefaultPermission != "member" {
		t.Errorf("preferences %+v", preferences)
	}
	for _, path := range []string{"features", "features/team-invite-acceptance", "available-generations", "delinquency", "invoices", "addons", "spaces", "allowed-addon-services"} {
		must(t, s.Do(ctx, "GET", "/teams/crew/"+path, nil, nil))
	}
	wantError(t, s.Do(ctx, "GET", "/teams/crew/features/x", nil, nil), 404, "not_found", "team feature")

	chain := signed(t, time.Now().Add(time.Hour), nil, "sso.example.com").chain
	provider := map[string]any{"certificate": chain, "entity_id": "urn:sso", "sso_target_url": "https://sso.example.com/in"}
	var made client.IdentityProvider
	must(t, s.Do(ctx, "POST", "/teams/crew/identity-providers", provider, &made))
	wantError(t, s.Do(ctx, "POST", "/teams/crew/identity-providers", provider, nil), 422, "invalid_params", "already")
	wantError(t, s.Do(ctx, "PATCH", "/teams/crew/identity-providers/"+made.ID, map[string]any{"sso_target_url": "http://x"}, nil), 422, "invalid_params", "https")
	wantError(t, s.Do(ctx, "PATCH", "/teams/crew/identity-providers/"+made.ID, map[string]any{"certificate": "x"}, nil), 422, "invalid_params", "PEM")
	must(t, s.Do(ctx, "PATCH", "/teams/crew/identity-providers/"+made.ID, map[string]any{"slo_target_url": "https://sso.example.com/out"}, &made))
	var all []client.IdentityProvider
	must(t, s.Do(ctx, "GET", "/teams/crew/identity-providers", nil, &all))
	if len(all) != 1 || all[0].SLOTargetURL == "" || all[0].Owner.Name != "crew" {
		t.Errorf("providers %+v", all)
	}
	must(t, s.Do(ctx, "DELETE", "/teams/crew/identity-providers/"+made.ID, nil, &made))
	wantError(t, s.Do(ctx, "DELETE", "/teams/crew/identity-providers/"+made.ID, nil, nil), 404, "not_found", "identity provider")
}

func TestEnterpriseAccountsGroupTeams(t *testing.T) {
	t.Parallel()
	s, ctx := newServer(t), t.Context()
	bob, eve := s.as(s.second("bob@example.com", "global")), s.as(s.second("eve@example.com", "global"))
	wantError(t, bob.Do(ctx, "POST", "/kigo/enterprise-accounts", map[string]any{"name": "firm"}, nil), 403, "forbidden", "operator")
	must(t, s.Do(ctx, "POST", "/kigo/enterprise-accounts", map[string]any{"name": "firm", "manager": "bob@example.com"}, nil))
	wantError(t, s.Do(ctx, "POST", "/kigo/enterprise-accounts", map[string]any{"name": "firm"}, nil), 422, "invalid_params", "taken")
	wantError(t, s.Do(ctx, "GET", "/enterprise-accounts/firm", nil, nil), 404, "not_found", "enterprise account")
	var e client.Enterprise
	must(t, bob.Do(ctx, "GET", "/enterprise-accounts/firm", nil, &e))
	if !slices.Contains(e.Permissions, "manage") {
		t.Errorf("firm %+v", e)
	}
	must(t, bob.Do(ctx, "PATCH", "/enterprise-accounts/firm", map[string]any{"name": "house"}, &e))
	var all []client.Enterprise
	must(t, bob.Do(ctx, "GET", "/enterprise-accounts", nil, &all))
	var m client.EnterpriseMember
	must(t, bob.Do(ctx, "POST", "/enterprise-accounts/house/members", map[string]any{"user": "eve@example.com", "permissions": []string{"create"}}, &m))
	wantError(t, bob.Do(ctx, "POST", "/enterprise-accounts/house/members", map[string]any{"user": "eve@example.com", "permissions": []string{"create"}}, nil), 422, "invalid_params", "already")
	wantError(t, bob.Do(ctx, "PATCH", "/enterprise-accounts/house/members/eve@example.com", map[string]any{"permissions": []string{"rule"}}, nil), 422, "invalid_params", "rule")
	wantError(t, bob.Do(ctx, "DELETE", "/enterprise-accounts/house/members/bob@example.com", nil, nil), 422, "invalid_params", "needs a manager")
	var team client.Team
	must(t, eve.Do(ctx, "POST", "/enterprise-accounts/house/teams", map[string]any{"name": "crew"}, &team))
	if team.Type != "enterprise" || team.EnterpriseAccount.Name != "house" {
		t.Errorf("team %+v", team)
	}
	must(t, eve.Do(ctx, "POST", "/teams/apps", map[string]any{"name": "crewapp", "team": "crew"}, nil))
	_, err := bob.App(ctx, "crewapp") // its manager reaches all teams
	must(t, err)
	var teams []client.Team
	must(t, bob.Do(ctx, "GET", "/enterprise-accounts/house/teams", nil, &teams))
	var members []client.EnterpriseMember
	must(t, bob.Do(ctx, "GET", "/enterprise-accounts/house/members", nil, &members))
	if len(teams) != 1 || len(members) != 2 || len(all) != 1 {
		t.Errorf("teams %+v, members %+v", teams, members)
	}
	var events []client.AuditTrailEvent
	must(t, bob.Do(ctx, "GET", "/enterprise-accounts/house/events", nil, &events))
	if !slices.ContainsFunc(events, func(e client.AuditTrailEvent) bool {
		return e.Type == "app" && e.Action == "create" && e.Actor.Email == "eve@example.com" && strings.HasPrefix(e.Request["ip_address"], "127.")
	}) {
		t.Errorf("events %+v", events)
	}
	must(t, bob.Do(ctx, "PATCH", "/enterprise-accounts/house/members/eve@example.com", map[string]any{"permissions": []string{"view"}}, &m))
	must(t, bob.Do(ctx, "DELETE", "/enterprise-accounts/house/members/eve@example.com", nil, &m))
	wantError(t, eve.Do(ctx, "GET", "/enterprise-accounts/house", nil, nil), 404, "not_found", "enterprise account")
}
