package control

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

const (
	maxTeamMembers = 500
	invitationLife = 7 * 24 * time.Hour
)

// Team returns a team, by name or id, when the actor may do with it what verb says.
func (c *Control) Team(ctx context.Context, a Actor, verb, which string) (t kigo.Team, err error) {
	err = c.Store.View(ctx, func(tx *store.Tx) error {
		if t, err = tx.FindTeam(which); err != nil {
			return err
		}
		have, err := rights(tx, a, t)
		return errors.Join(err, allowed(have, verb, t))
	})
	return t, err
}

// TeamRole is the actor's role in a team: admin, member or viewer.
func (c *Control) TeamRole(ctx context.Context, a Actor, id kigo.AccountID) (role string, err error) {
	err = c.Store.View(ctx, func(tx *store.Tx) error {
		role, err = teamRole(tx, a, id)
		return err
	})
	return role, err
}

// CreateTeam makes a team whose admin the actor is.
func (c *Control) CreateTeam(ctx context.Context, a Actor, name string) (t kigo.Team, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		t, err = tx.newTeam(name, "")
		if err != nil {
			return err
		}
		return tx.PutTeamMember(&kigo.TeamMember{Team: t.ID, Account: a.ID, Role: kigo.RoleAdmin})
	})
	return t, err
}

func (c *change) newTeam(name, enterprise string) (t kigo.Team, err error) {
	if err := c.freeTeamName(name); err != nil {
		return t, err
	}
	t = kigo.Team{Name: name, Enterprise: enterprise}
	if err := c.CreateTeam(&t); err != nil {
		return t, err
	}
	return t, c.emit("team.create", "", string(t.ID), map[string]string{"name": name})
}

func (c *change) freeTeamName(name string) error {
	if err := kigo.ValidateTeamName(name); err != nil {
		return err
	}
	_, err := c.FindTeam(name)
	if err == nil {
		return kigo.Invalid("Name %s is already taken", name)
	}
	return absent(err)
}

// TeamChange changes what is not nil.
type TeamChange struct {
	Name           *string
	Default        *bool // of the actor
	AddonsControls *bool
}

// UpdateTeam changes a team; its default, which is each member's own, needs no more
// than to be in it.
func (c *Control) UpdateTeam(ctx context.Context, a Actor, which string, ch TeamChange) (t kigo.Team, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		verb := kigo.PermissionView
		if ch.Name != nil || ch.AddonsControls != nil {
			verb = kigo.PermissionManage
		}
		if t, err = tx.team(verb, which); err != nil {
			return err
		}
		if ch.Name != nil && *ch.Name != t.Name {
			if err := tx.freeTeamName(*ch.Name); err != nil {
				return err
			}
			t.Name = *ch.Name
		}
		if ch.AddonsControls != nil {
			t.AddonsControls = *ch.AddonsControls
		}
		if ch.Default != nil {
			if err := tx.setDefaultTeam(t, *ch.Default); err != nil {
				return err
			}
		}
		return errors.Join(tx.UpdateTeam(&t), tx.emit("team.update", "", string(t.ID), map[string]string{"name": t.Name}))
	})
	return t, err
}

func (c *change) setDefaultTeam(t kigo.Team, on bool) error {
	mine, err := c.TeamsJoined(c.actor.ID)
	found := false
	for _, m := range mine {
		found = found || m.Team == t.ID
		if was := m.Default; m.Team == t.ID {
			m.Default = on
		} else {
			m.Default = was && !on
		}
		err = errors.Join(err, c.PutTeamMember(&m))
	}
	if err == nil && !found {
		err = kigo.Invalid("You are no member of %s, so that it cannot be your default team.", t.Name)
	}
	return err
}

func (c *change) team(verb, which string) (kigo.Team, error) {
	t, err := c.FindTeam(which)
	if err != nil {
		return t, err
	}
	return t, c.can(verb, t)
}

// DeleteTeam removes a team that owns nothing any more.
func (c *Control) DeleteTeam(ctx context.Context, a Actor, which string) (t kigo.Team, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		if t, err = tx.team(kigo.PermissionManage, which); err != nil {
			return err
		}
		if err := tx.ownsNothing(t.ID, t.Name); err != nil {
			return err
		}
		return errors.Join(tx.DeleteAccount(t.ID), tx.emit("team.delete", "", string(t.ID), map[string]string{"name": t.Name}))
	})
	return t, err
}

// ownsNothing refuses to end an account or a team that still owns something.
func (c *change) ownsNothing(id kigo.AccountID, name string) error {
	apps, err := c.Apps() // those being destroyed as well: their rows still name the owner
	if err != nil {
		return err
	}
	for _, app := range apps {
		if app.Owner == id {
			return kigo.Invalid("%s still owns apps: destroy or transfer them first.", name)
		}
	}
	pipelines, err := c.PipelinesOf(id)
	if err != nil {
		return err
	}
	for _, p := range pipelines {
		if p.Owner == id {
			return kigo.Invalid("%s still owns pipelines: destroy or transfer them first.", name)
		}
	}
	return nil
}

// PersonInTeam is a member with who it is.
type PersonInTeam struct {
	kigo.TeamMember
	Person kigo.Account
}

// TeamMembers returns a team's members and, with the role "collaborator", who works on
// one of its apps without being one.
func (c *Control) TeamMembers(ctx context.Context, id kigo.AccountID) (all []PersonInTeam, err error) {
	err = c.Store.View(ctx, func(tx *store.Tx) error {
		all, err = teamMembers(tx, id)
		return err
	})
	return all, err
}

func teamMembers(tx *store.Tx, id kigo.AccountID) (all []PersonInTeam, err error) {
	parts, err := tx.TeamMembers(id)
	if err != nil {
		return nil, err
	}
	seen := map[kigo.AccountID]bool{}
	for _, m := range parts {
		seen[m.Account] = true
	}
	apps, err := tx.AppsOwnedBy(id)
	if err != nil {
		return nil, err
	}
	for _, app := range apps {
		some, err := tx.Collaborators(app.ID)
		if err != nil {
			return nil, err
		}
		for _, one := range some {
			if !seen[one.Account] {
				seen[one.Account] = true
				parts = append(parts, kigo.TeamMember{ID: one.ID, Team: id, Account: one.Account, Role: "collaborator", CreatedAt: one.CreatedAt, UpdatedAt: one.UpdatedAt})
			}
		}
	}
	for _, m := range parts {
		person, err := tx.Account(m.Account)
		if err != nil {
			return nil, err
		}
		all = append(all, PersonInTeam{m, person})
	}
	return all, nil
}

// PutTeamMember gives somebody a role in a team. With create it must not have one,
// with update it must.
func (c *Control) PutTeamMember(ctx context.Context, a Actor, id kigo.AccountID, email, role string, create, update bool) (m PersonInTeam, err error) {
	if err := checkRole(role); err != nil {
		return m, err
	}
	err = c.update(ctx, a, func(tx *change) error {
		t, err := tx.team(kigo.PermissionManage, string(id))
		if err != nil {
			return err
		}
		who, err := findAccount(tx.Tx, a, email)
		if err != nil {
			return err
		}
		have, err := tx.TeamMember(id, who.ID)
		switch known := err == nil; {
		case absent(err) != nil:
			return err
		case known && create:
			return kigo.Invalid("%s is already a member of %s.", who.Email, t.Name)
		case !known && update:
			return kigo.NotFound("team member")
		case known && have.Role == kigo.RoleAdmin && role != kigo.RoleAdmin:
			if err := tx.anotherAdmin(t, who.ID); err != nil {
				return err
			}
		case !known:
			if err := tx.roomInTeam(t); err != nil {
				return err
			}
			have = kigo.TeamMember{Team: id, Account: who.ID}
		}
		have.Role = role
		m = PersonInTeam{have, who}
		if err := tx.PutTeamMember(&m.TeamMember); err != nil {
			return err
		}
		return errors.Join(tx.dropInvitations(id, who.ID), tx.emit("team-member.update", "", string(id), map[string]string{"email": who.Email, "role": role}))
	})
	return m, err
}

func checkRole(role string) error {
	for _, r := range kigo.Roles {
		if r == role {
			return nil
		}
	}
	return kigo.Invalid("Role %.40q is not one of %s.", role, strings.Join(kigo.Roles, ", "))
}

func (c *change) roomInTeam(t kigo.Team) error {
	all, err := c.Tx.TeamMembers(t.ID)
	if err == nil && len(all) >= maxTeamMembers {
		err = kigo.Invalid("%s has %d members, and more are not possible.", t.Name, len(all))
	}
	return err
}

// anotherAdmin refuses to leave a team without an admin.
func (c *change) anotherAdmin(t kigo.Team, but kigo.AccountID) error {
	all, err := c.Tx.TeamMembers(t.ID)
	for _, m := range all {
		if m.Role == kigo.RoleAdmin && m.Account != but {
			return err
		}
	}
	if err == nil {
		err = kigo.Invalid("A team needs an admin, and %s has no other: make somebody else one first.", t.Name)
	}
	return err
}

// RemoveTeamMember takes somebody out of a team and its apps: an admin anybody, everybody
// themselves.
func (c *Control) RemoveTeamMember(ctx context.Context, a Actor, id kigo.AccountID, who string) (m PersonInTeam, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		t, err := tx.team(kigo.PermissionView, string(id))
		if err != nil {
			return err
		}
		all, err := teamMembers(tx.Tx, id)
		if err != nil {
			return err
		}
		for _, m = range all {
			if who != m.ID && who != string(m.Account) && !strings.EqualFold(who, m.Person.Email) {
				continue
			}
			if m.Account != a.ID {
				if err := tx.can(kigo.PermissionManage, t); err != nil {
					return err
				}
			}
			return tx.leave(t, m)
		}
		return kigo.NotFound("team member")
	})
	return m, err
}

func (c *change) leave(t kigo.Team, m PersonInTeam) error {
	if m.Role == "collaborator" {
		return kigo.Invalid("%s is no member of %s: take them away from each app with `heroku access:remove`.", m.Person.Email, t.Name)
	}
	if m.Role == kigo.RoleAdmin {
		if err := c.anotherAdmin(t, m.Account); err != nil {
			return err
		}
	}
	return errors.Join(c.DeleteTeamMember(m.TeamMember), c.dropInvitations(t.ID, m.Account),
		c.emit("team-member.delete", "", string(t.ID), map[string]string{"email": m.Person.Email}))
}

// PutIdentityProvider keeps where a team's members are known from; id empty: a new one.
func (c *Control) PutIdentityProvider(ctx context.Context, a Actor, p kigo.IdentityProvider) (kigo.IdentityProvider, error) {
	if err := checkProvider(p); err != nil {
		return p, err
	}
	err := c.update(ctx, a, func(tx *change) error {
		t, err := tx.team(kigo.PermissionManage, string(p.Team))
		if err != nil {
			return err
		}
		have, err := tx.IdentityProviders(p.Team)
		switch {
		case err != nil:
			return err
		case p.ID != "":
			err = tx.UpdateIdentityProvider(&p)
		case len(have) > 0:
			return kigo.Invalid("%s has an identity provider already: change or remove that.", t.Name)
		default:
			err = tx.CreateIdentityProvider(&p)
		}
		return errors.Join(err, tx.emit("identity-provider.update", "", p.ID, nil))
	})
	return p, err
}

func checkProvider(p kigo.IdentityProvider) error {
	if p.EntityID == "" || p.Certificate == "" || p.SSOURL == "" {
		return kigo.Invalid("certificate, entity_id and sso_target_url are required.")
	}
	if _, err := Leaf(p.Certificate); err != nil {
		return kigo.Invalid("certificate is not a certificate in PEM: %v.", err)
	}
	for field, text := range map[string]string{"sso_target_url": p.SSOURL, "slo_target_url": p.SLOURL} {
		if err := checkText(field, text, maxDescription); err != nil {
			return err
		}
		if text != "" && !strings.HasPrefix(text, "https://") {
			return kigo.Invalid("%s %.80q must be an https:// address.", field, text)
		}
	}
	return checkText("entity_id", p.EntityID, maxDescription)
}

// DeleteIdentityProvider forgets a team's.
func (c *Control) DeleteIdentityProvider(ctx context.Context, a Actor, p kigo.IdentityProvider) error {
	return c.update(ctx, a, func(tx *change) error {
		if _, err := tx.team(kigo.PermissionManage, string(p.Team)); err != nil {
			return fmt.Errorf("find team: %w", err)
		}
		return errors.Join(tx.DeleteIdentityProvider(p.ID), tx.emit("identity-provider.delete", "", p.ID, nil))
	})
}
