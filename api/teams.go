package api

import (
	"errors"
	"slices"
	"strings"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/store"
)

// showTeams tells teams with the actor's role in each.
func (c *call) showTeams(teams []kigo.Team) ([]client.Team, error) {
	out := make([]client.Team, len(teams))
	for i, t := range teams {
		role, err := ctrl(c).TeamRole(c.ctx(), c.actor, t.ID)
		if err != nil {
			return nil, err
		}
		if role == kigo.RoleViewer {
			role = kigo.RoleMember // the schema has no viewer here
		}
		shown := client.Team{CreatedAt: second(t.CreatedAt), ID: string(t.ID), Name: t.Name, Role: optional(role), Type: "team", UpdatedAt: second(t.UpdatedAt)}
		err = c.view(func(tx *store.Tx) error {
			if m, err := tx.TeamMember(t.ID, c.actor.ID); err == nil {
				shown.Default = m.Default
			}
			providers, err := tx.IdentityProviders(t.ID)
			for _, p := range providers {
				shown.IdentityProvider = &client.ProviderRef{ID: p.ID, Name: p.EntityID, Owner: providerOwner(t)}
			}
			if t.Enterprise == "" {
				return err
			}
			e, eerr := tx.FindEnterprise(t.Enterprise)
			shown.Type, shown.EnterpriseAccount = "enterprise", &client.Ref{ID: e.ID, Name: e.Name}
			return errors.Join(err, eerr)
		})
		if err != nil {
			return nil, err
		}
		out[i] = shown
	}
	return out, nil
}

func (c *call) teamReply(wrap func(any) reply, t kigo.Team, err error) (reply, error) {
	if err != nil {
		return reply{}, err
	}
	all, err := c.showTeams([]kigo.Team{t})
	if err != nil {
		return reply{}, err
	}
	return wrap(all[0]), nil
}

func (c *call) teamPage(teams []kigo.Team, err error) (reply, error) {
	if err != nil {
		return reply{}, err
	}
	return page(c, teams, c.showTeams, textKey("id", func(t kigo.Team) string { return string(t.ID) }), textKey("name", func(t kigo.Team) string { return t.Name }))
}

func teamList(c *call) (reply, error) {
	var all []kigo.Team
	err := c.view(func(tx *store.Tx) (err error) {
		all, err = tx.TeamsOf(c.actor.ID)
		return err
	})
	return c.teamPage(all, err)
}

func teamInfo(c *call) (reply, error) { return c.teamReply(ok, c.team, nil) }

func teamCreate(c *call) (reply, error) {
	var in struct {
		Name *string `json:"name"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	t, err := ctrl(c).CreateTeam(c.ctx(), c.actor, value(in.Name))
	return c.teamReply(created, t, err)
}

func teamUpdate(c *call) (reply, error) {
	var in struct {
		Name    *string `json:"name"`
		Default *bool   `json:"default"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	t, err := ctrl(c).UpdateTeam(c.ctx(), c.actor, string(c.team.ID), control.TeamChange{Name: in.Name, Default: in.Default})
	return c.teamReply(ok, t, err)
}

func teamDelete(c *call) (reply, error) {
	before, err := teamInfo(c)
	if err != nil {
		return reply{}, err
	}
	_, err = ctrl(c).DeleteTeam(c.ctx(), c.actor, string(c.team.ID))
	return before, err
}

func (c *call) preferences() client.TeamPreferences {
	return client.TeamPreferences{AddonsControls: &c.team.AddonsControls, DefaultPermission: optional(kigo.RoleMember)}
}

func teamPreferencesInfo(c *call) (reply, error) { return ok(c.preferences()), nil }

func teamPreferencesUpdate(c *call) (reply, error) {
	var in struct {
		AddonsControls *bool `json:"addons-controls"`
	}
	err := c.decode(&in)
	if err == nil {
		c.team, err = ctrl(c).UpdateTeam(c.ctx(), c.actor, string(c.team.ID), control.TeamChange{AddonsControls: in.AddonsControls})
	}
	return ok(c.preferences()), err
}

// teamFeatures are how teams work here; Heroku's command line asks for these two. They
// cannot be turned off.
var teamFeatures = []client.TeamFeature{
	teamFeature("org-access-controls", "Each collaborator on an app has permissions of its own."),
	teamFeature("team-invite-acceptance", "Who is invited to the team joins by accepting."),
}

func teamFeature(name, description string) client.TeamFeature {
	return client.TeamFeature{
		CreatedAt: epoch, Description: description, DisplayName: name, Enabled: true, ID: fixedID("team-feature", name),
		Name: name, State: "general", UpdatedAt: epoch,
	}
}

func teamFeatureList(c *call) (reply, error) {
	return page(c, teamFeatures, as, textKey("id", func(f client.TeamFeature) string { return f.ID }), textKey("name", func(f client.TeamFeature) string { return f.Name }))
}

func teamFeatureInfo(c *call) (reply, error) {
	for _, f := range teamFeatures {
		if which := c.param("feature"); which == f.Name || which == f.ID {
			return ok(f), nil
		}
	}
	return reply{}, kigo.NotFound("team feature")
}

// teamPermissionList tells who may do what with each app of the team.
func teamPermissionList(c *call) (reply, error) {
	apps, err := c.appsOfTeam()
	if err != nil {
		return reply{}, err
	}
	members, err := ctrl(c).TeamMembers(c.ctx(), c.team.ID)
	if err != nil {
		return reply{}, err
	}
	all := []client.PermissionEntity{}
	for _, app := range apps {
		entity := client.PermissionEntity{ID: string(app.ID), Name: app.Name, TeamID: string(c.team.ID), Type: "app", Users: []client.PermissionEntityUser{}}
		for _, m := range members {
			have, err := ctrl(c).Rights(c.ctx(), control.Actor{ID: m.Account}, app)
			if err != nil {
				return reply{}, err
			}
			if len(have) > 0 {
				entity.Users = append(entity.Users, client.PermissionEntityUser{Email: m.Person.Email, ID: string(m.Account), Permissions: have})
			}
		}
		all = append(all, entity)
	}
	return page(c, all, as, textKey("id", func(e client.PermissionEntity) string { return e.ID }))
}

func couplingListOfTeam(c *call) (reply, error) {
	return c.couplingPage(func(tx *store.Tx) ([]kigo.Pipeline, error) {
		all, err := tx.PipelinesOf(c.actor.ID)
		return slices.DeleteFunc(all, func(p kigo.Pipeline) bool { return p.Owner != c.team.ID }), err
	})
}

// teamOf is the team that an account's address stands for; nil when it is a person's.
func teamOf(id kigo.AccountID, email string) *client.Ref {
	if !kigo.IsTeamEmail(email) {
		return nil
	}
	return &client.Ref{ID: string(id), Name: strings.TrimSuffix(email, kigo.TeamDomain)}
}
