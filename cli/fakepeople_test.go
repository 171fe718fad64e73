package cli_test

import (
	"strings"
	"time"

	"github.com/kigo-dev/kigo/client"
)

const anID = "66666666-89ab-cdef-0123-456789abcdef"

// tokens answers for authorizations, OAuth clients and sessions.
func (f *fake) tokens(what string) (reply, bool) {
	long := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	a := client.Authorization{
		ID: anID, Description: "for tests", Scope: []string{"read", "write"}, CreatedAt: f.ago(time.Hour), UpdatedAt: f.ago(65 * time.Minute),
		AccessToken: &client.AccessToken{ID: "t", Token: "HRKU-0123"}, User: client.AuthorizationUser{Email: "me@example.com"},
	}
	ending := a
	ending.AccessToken = &client.AccessToken{ID: "t", Token: "HRKU-0123", ExpiresIn: ptr(90000)}
	ending.Client = &client.OAuthClientRef{ID: "c", Name: "Amazing", RedirectURI: "https://amazing.example.com/cb"}
	o := client.OAuthClient{ID: anID, Name: "Amazing", RedirectURI: "https://amazing.example.com/cb", Secret: "s3cret", CreatedAt: long, UpdatedAt: long}
	other := o
	other.Name, other.ID = "Beta", "7"+anID[1:]
	switch what {
	case "GET /oauth/authorizations":
		return reply{body: []client.Authorization{ending, a}}, true
	case "POST /oauth/authorizations":
		return reply{201, a}, true
	case "GET /oauth/authorizations/" + anID, "PATCH /oauth/authorizations/" + anID, "POST /oauth/authorizations/" + anID + "/actions/regenerate-tokens":
		return reply{body: ending}, true
	case "DELETE /oauth/authorizations/" + anID:
		return reply{body: a}, true
	case "GET /oauth/clients":
		return reply{body: []client.OAuthClient{other, o}}, true
	case "POST /oauth/clients":
		return reply{201, o}, true
	case "GET /oauth/clients/" + anID, "PATCH /oauth/clients/" + anID, "DELETE /oauth/clients/" + anID, "POST /oauth/clients/" + anID + "/actions/rotate-credentials":
		return reply{body: o}, true
	case "GET /oauth/sessions":
		return reply{body: []map[string]string{{"id": "2", "description": "Session @ 2"}, {"id": "1", "description": "Session @ 1"}}}, true
	case "DELETE /oauth/sessions/1":
		return reply{body: map[string]string{}}, true
	case "GET /account/keys":
		return reply{body: []map[string]string{{"id": "1", "email": "me@example.com", "public_key": "ssh-ed25519 AAAA me@host"}}}, true
	case "DELETE /account/keys/1":
		return reply{body: map[string]string{}}, true
	}
	return reply{}, false
}

// teams answers for the team acme, which invites people, and for its app teamapp.
func (f *fake) teams(what string) (reply, bool) {
	team := client.Team{ID: anID, Name: "acme", Role: ptr("admin"), Type: "team"}
	small := client.Team{ID: "8" + anID[1:], Name: "beta", Role: ptr("member"), Type: "enterprise"}
	person := func(email, role string) client.TeamMember {
		return client.TeamMember{ID: "m", Email: email, Role: ptr(role), User: client.PersonRef{Email: email, ID: "u"}}
	}
	app := f.app("teamapp")
	app.Team, app.Owner.Email = &client.Ref{ID: anID, Name: "acme"}, "acme@herokumanager.com"
	collaborators := []client.Collaborator{
		{User: client.CollaboratorUser{Email: "acme@herokumanager.com"}, Role: ptr("owner")},
		{User: client.CollaboratorUser{Email: "you@example.com"}, Role: ptr("member"), Permissions: []client.Permission{{Name: "view"}, {Name: "deploy"}}},
	}
	switch what {
	case "GET /teams":
		return reply{body: []client.Team{small, team}}, true
	case "GET /teams/acme", "GET /teams/" + anID:
		return reply{body: team}, true
	case "GET /teams/beta":
		return reply{body: small}, true
	case "GET /teams/acme/features":
		return reply{body: []client.TeamFeature{{Name: "team-invite-acceptance", Enabled: true}}}, true
	case "GET /teams/acme/members", "GET /teams/beta/members":
		return reply{body: []client.TeamMember{person("me@example.com", "admin"), person("you@example.com", "member")}}, true
	case "GET /teams/acme/invitations":
		return reply{body: []client.TeamInvitation{{ID: "i", Role: ptr("viewer"), User: client.PersonRef{Email: "new@example.com"}}}}, true
	case "GET /teams/acme/apps":
		return reply{body: []client.TeamApp{{App: app, Locked: true}, {App: f.app("free")}}}, true
	case "POST /teams/apps":
		return reply{201, f.app("teamnew")}, true
	case "GET /teams/permissions":
		return reply{body: []client.Permission{{Name: "view"}, {Name: "manage"}, {Name: "deploy"}, {Name: "operate"}}}, true
	case "GET /teams/apps/myapp":
		return reply{body: client.TeamApp{App: f.app("myapp")}}, true
	case "GET /teams/apps/teamapp":
		return reply{body: client.TeamApp{App: app, Locked: true}}, true
	case "GET /apps/teamapp":
		return reply{body: app}, true
	case "GET /apps/teamapp/collaborators":
		return reply{body: collaborators}, true
	case "GET /account/app-transfers":
		offered := client.AppTransfer{ID: "t", App: client.Ref{Name: "gift"}, State: "pending", Owner: client.UserRef{Email: "you@example.com"}, Recipient: client.UserRef{Email: "me@example.com"}}
		mine := client.AppTransfer{ID: "u", App: client.Ref{Name: "myapp"}, State: "pending", Owner: client.UserRef{Email: "me@example.com"}, Recipient: client.UserRef{Email: "you@example.com"}}
		return reply{body: []client.AppTransfer{offered, mine}}, true
	case "PATCH /account/app-transfers/t", "DELETE /account/app-transfers/u":
		return reply{body: client.AppTransfer{}}, true
	case "POST /account/app-transfers":
		return reply{201, client.AppTransfer{ID: "t", App: client.Ref{Name: "myapp"}, State: "accepted"}}, true
	}
	for _, change := range []string{
		"PUT /teams/acme/members", "PATCH /teams/acme/members", "PUT /teams/beta/members", "PUT /teams/acme/invitations", "DELETE /teams/acme/invitations/",
		"DELETE /teams/acme/members/", "DELETE /teams/beta/members/", "PATCH /teams/apps/", "POST /teams/apps/", "DELETE /apps/myapp/collaborators/", "POST /apps/myapp/collaborators",
	} {
		if strings.HasPrefix(what, change) {
			return reply{body: map[string]string{}}, true
		}
	}
	return reply{}, false
}
