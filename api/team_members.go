package api

import (
	"strings"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/store"
)

func personRef(a kigo.Account) client.PersonRef {
	return client.PersonRef{Email: a.Email, ID: string(a.ID), Name: optional(a.Name)}
}

// schemaRole is nil for a viewer, whom the schema does not know as a role of members.
func schemaRole(role string) *string {
	if role == kigo.RoleViewer {
		return nil
	}
	return &role
}

func serializeTeamMember(m control.PersonInTeam) client.TeamMember {
	return client.TeamMember{
		CreatedAt: second(m.CreatedAt), Email: m.Person.Email, ID: m.ID, Role: schemaRole(m.Role),
		TwoFactorAuthentication: m.Person.TwoFactor, UpdatedAt: second(m.UpdatedAt), User: personRef(m.Person),
	}
}

func teamMemberList(c *call) (reply, error) {
	all, err := ctrl(c).TeamMembers(c.ctx(), c.team.ID)
	if err != nil {
		return reply{}, err
	}
	return page(c, all, each(serializeTeamMember), textKey("id", func(m control.PersonInTeam) string { return m.ID }),
		textKey("email", func(m control.PersonInTeam) string { return m.Person.Email }),
		timeKey("created_at", func(m control.PersonInTeam) time.Time { return m.CreatedAt }))
}

func (c *call) putTeamMember(wrap func(any) reply, create, update bool) (reply, error) {
	in, err := c.emailAndRole()
	if err != nil {
		return reply{}, err
	}
	m, err := ctrl(c).PutTeamMember(c.ctx(), c.actor, c.team.ID, in.email, in.role, create, update)
	return wrap(serializeTeamMember(m)), err
}

type emailRole struct{ email, role string }

func (c *call) emailAndRole() (emailRole, error) {
	var in struct {
		Email *string `json:"email"`
		Role  *string `json:"role"`
	}
	if err := c.decode(&in); err != nil {
		return emailRole{}, err
	}
	if value(in.Email) == "" || value(in.Role) == "" {
		return emailRole{}, kigo.Invalid("email and role are required: an account's address, and one of %s.", strings.Join(kigo.Roles, ", "))
	}
	return emailRole{*in.Email, *in.Role}, nil
}

func teamMemberPut(c *call) (reply, error)    { return c.putTeamMember(ok, false, false) }
func teamMemberCreate(c *call) (reply, error) { return c.putTeamMember(created, true, false) }
func teamMemberUpdate(c *call) (reply, error) { return c.putTeamMember(ok, false, true) }

func teamMemberDelete(c *call) (reply, error) {
	m, err := ctrl(c).RemoveTeamMember(c.ctx(), c.actor, c.team.ID, c.param("member"))
	return ok(serializeTeamMember(m)), err
}

// teamMemberApps lists the apps of the team that a member works on.
func teamMemberApps(c *call) (reply, error) {
	all, err := ctrl(c).TeamMembers(c.ctx(), c.team.ID)
	if err != nil {
		return reply{}, err
	}
	for _, m := range all {
		if which := c.param("member"); which != m.ID && which != string(m.Account) && !strings.EqualFold(which, m.Person.Email) {
			continue
		}
		var apps []kigo.App
		err := c.view(func(tx *store.Tx) error {
			owned, err := tx.AppsOwnedBy(c.team.ID)
			for _, a := range owned {
				if _, perr := tx.Collaborator(a.ID, m.Account); perr == nil {
					apps = append(apps, a)
				}
			}
			return err
		})
		return c.teamAppPage(apps, err)
	}
	return reply{}, kigo.NotFound("team member")
}

func serializeInvitation(i control.Invited) client.TeamInvitation {
	return client.TeamInvitation{
		CreatedAt: second(i.CreatedAt), ID: i.ID, InvitedBy: personRef(i.Host), Role: schemaRole(i.Role),
		Team: client.Ref{ID: string(i.InTeam.ID), Name: i.InTeam.Name}, UpdatedAt: second(i.UpdatedAt), User: personRef(i.Person),
	}
}

func (c *call) invitationPage(team kigo.AccountID) (reply, error) {
	all, err := ctrl(c).Invitations(c.ctx(), c.actor, team)
	if err != nil {
		return reply{}, err
	}
	return page(c, all, each(serializeInvitation), textKey("id", func(i control.Invited) string { return i.ID }))
}

func teamInvitationList(c *call) (reply, error) { return c.invitationPage(c.team.ID) }

// invitationList is what the actor was invited to; Heroku sends mails instead.
func invitationList(c *call) (reply, error) { return c.invitationPage("") }

func teamInvitationPut(c *call) (reply, error) {
	in, err := c.emailAndRole()
	if err != nil {
		return reply{}, err
	}
	i, err := ctrl(c).Invite(c.ctx(), c.actor, c.team.ID, in.email, in.role)
	if err == nil && i.Again {
		c.w.Header().Set("X-Heroku-Warning", i.Person.Email+" was mailed an invitation to "+i.InTeam.Name+" less than ten minutes ago: no other letter is sent.")
	}
	return ok(serializeInvitation(i)), err
}

// findInvitation finds {invitation} among a team's, or the actor's own: by id, or by
// the address of who was invited.
func (c *call) findInvitation(team kigo.AccountID) (control.Invited, error) {
	all, err := ctrl(c).Invitations(c.ctx(), c.actor, team)
	for _, i := range all {
		if which := c.param("invitation"); which == i.ID || team != "" && strings.EqualFold(which, i.Person.Email) {
			return i, err
		}
	}
	if err == nil {
		err = kigo.NotFound("team invitation")
	}
	return control.Invited{}, err
}

func teamInvitationDelete(c *call) (reply, error) {
	i, err := c.findInvitation(c.team.ID)
	if err == nil {
		err = ctrl(c).RevokeInvitation(c.ctx(), c.actor, i)
	}
	return ok(serializeInvitation(i)), err
}

func invitationInfo(c *call) (reply, error) {
	i, err := c.findInvitation("")
	return ok(serializeInvitation(i)), err
}

func invitationAccept(c *call) (reply, error) {
	m, err := ctrl(c).AcceptInvitation(c.ctx(), c.actor, c.param("invitation"))
	return ok(serializeTeamMember(m)), err
}
