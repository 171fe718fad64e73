package api

import (
	"strconv"
	"strings"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/store"
)

func serializeEnterprise(e kigo.Enterprise, have []string) client.Enterprise {
	return client.Enterprise{CreatedAt: second(e.CreatedAt), ID: e.ID, Name: e.Name, Permissions: have, UpdatedAt: second(e.UpdatedAt)}
}

func enterpriseList(c *call) (reply, error) {
	all := []client.Enterprise{}
	err := c.view(func(tx *store.Tx) error {
		mine, err := tx.EnterprisesOf(c.actor.ID)
		for _, e := range mine {
			m, err := tx.EnterpriseMember(e.ID, c.actor.ID)
			if err != nil {
				return err
			}
			all = append(all, serializeEnterprise(e, m.Permissions))
		}
		return err
	})
	if err != nil {
		return reply{}, err
	}
	return page(c, all, as, textKey("id", func(e client.Enterprise) string { return e.ID }))
}

// enterpriseCreate is for operators; Heroku sells these by contract.
func enterpriseCreate(c *call) (reply, error) {
	var in struct {
		Name    *string `json:"name"`
		Manager *string `json:"manager"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	manager := value(in.Manager)
	if manager == "" {
		manager = "~"
	}
	e, err := ctrl(c).CreateEnterprise(c.ctx(), c.actor, value(in.Name), manager)
	return created(serializeEnterprise(e, kigo.EnterprisePermissions)), err
}

func enterpriseInfo(c *call) (reply, error) {
	return ok(serializeEnterprise(c.enterprise, c.enterpriseRights)), nil
}

func enterpriseUpdate(c *call) (reply, error) {
	var in struct {
		Name *string `json:"name"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if in.Name == nil {
		return enterpriseInfo(c)
	}
	e, err := ctrl(c).RenameEnterprise(c.ctx(), c.actor, c.enterprise, *in.Name)
	return ok(serializeEnterprise(e, c.enterpriseRights)), err
}

var enterpriseWords = map[string]string{
	"billing": "Can see what the teams use.", "create": "Can create teams.",
	"manage": "Can manage members, and all teams.", "view": "Can see the account and its teams.",
}

func (c *call) serializeEnterpriseMember(m control.PersonInEnterprise) client.EnterpriseMember {
	out := client.EnterpriseMember{
		EnterpriseAccount: client.Ref{ID: c.enterprise.ID, Name: c.enterprise.Name}, ID: m.ID, Permissions: []client.Permission{},
		TwoFactorAuthentication: m.Person.TwoFactor, User: userRef(m.Account, m.Person.Email),
	}
	for _, p := range m.Permissions {
		out.Permissions = append(out.Permissions, client.Permission{Name: p, Description: enterpriseWords[p]})
	}
	return out
}

func enterpriseMemberList(c *call) (reply, error) {
	all, err := ctrl(c).EnterpriseMembers(c.ctx(), c.enterprise.ID)
	if err != nil {
		return reply{}, err
	}
	return page(c, all, each(c.serializeEnterpriseMember), textKey("id", func(m control.PersonInEnterprise) string { return m.ID }))
}

func enterpriseMemberCreate(c *call) (reply, error) {
	var in struct {
		User        *ident   `json:"user"`
		Permissions []string `json:"permissions"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	m, err := ctrl(c).PutEnterpriseMember(c.ctx(), c.actor, c.enterprise, in.User.String(), in.Permissions, true)
	return created(c.serializeEnterpriseMember(m)), err
}

func enterpriseMemberUpdate(c *call) (reply, error) {
	var in struct {
		Permissions []string `json:"permissions"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	m, err := ctrl(c).PutEnterpriseMember(c.ctx(), c.actor, c.enterprise, c.param("member"), in.Permissions, false)
	return ok(c.serializeEnterpriseMember(m)), err
}

func enterpriseMemberDelete(c *call) (reply, error) {
	m, err := ctrl(c).RemoveEnterpriseMember(c.ctx(), c.actor, c.enterprise, c.param("member"))
	return ok(c.serializeEnterpriseMember(m)), err
}

func enterpriseTeamList(c *call) (reply, error) {
	var all []kigo.Team
	err := c.view(func(tx *store.Tx) (err error) {
		all, err = tx.EnterpriseTeams(c.enterprise.ID)
		return err
	})
	return c.teamPage(all, err)
}

func enterpriseTeamCreate(c *call) (reply, error) {
	var in struct {
		Name *string `json:"name"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	t, err := ctrl(c).CreateEnterpriseTeam(c.ctx(), c.actor, c.enterprise, value(in.Name))
	return c.teamReply(created, t, err)
}

// maxAuditEvents is how many of the newest events a list tells.
const maxAuditEvents = 5000

// enterpriseEventList tells what happened to the apps of the teams, the newest
// maxAuditEvents of them.
func enterpriseEventList(c *call) (reply, error) {
	all := []client.AuditTrailEvent{}
	err := c.view(func(tx *store.Tx) error {
		events, err := tx.EnterpriseEvents(c.enterprise.ID, maxAuditEvents)
		if err != nil {
			return err
		}
		for _, e := range events {
			shown, err := c.auditTrailEvent(tx, e)
			if err != nil {
				return err
			}
			all = append(all, shown)
		}
		return nil
	})
	if err != nil {
		return reply{}, err
	}
	return page(c, all, as, textKey("id", func(e client.AuditTrailEvent) string { return e.ID }))
}

func (c *call) auditTrailEvent(tx *store.Tx, e kigo.Event) (client.AuditTrailEvent, error) {
	app, err := tx.App(e.App)
	if err != nil {
		return client.AuditTrailEvent{}, err
	}
	team, err := tx.FindTeam(string(app.Owner))
	if err != nil {
		return client.AuditTrailEvent{}, err
	}
	actor := client.UserRef{Email: e.Actor}
	if a, err := tx.AccountByEmail(e.Actor); err == nil {
		actor.ID = string(a.ID)
	}
	kind, action, _ := strings.Cut(e.Kind, ".")
	ip, _, _ := strings.Cut(e.Origin, " ")
	return client.AuditTrailEvent{
		Action: action, Actor: actor, App: appRef(app), CreatedAt: second(e.At), Data: e.Payload,
		EnterpriseAccount: client.Ref{ID: c.enterprise.ID, Name: c.enterprise.Name}, ID: fixedID("event", strconv.FormatInt(e.Revision, 10)),
		Owner: userRef(team.ID, team.Email()), Request: map[string]string{"ip_address": ip},
		Team: client.Ref{ID: string(team.ID), Name: team.Name}, Type: kind,
	}, nil
}
