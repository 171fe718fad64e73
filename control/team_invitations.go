package control

import (
	"context"
	"errors"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

// dropInvitations ends what somebody was invited to in a team: a later decision
// about them goes before it.
func (c *change) dropInvitations(team, who kigo.AccountID) error {
	all, err := c.Tx.Invitations(who)
	for _, i := range all {
		if i.Team == team && i.Account == who {
			err = errors.Join(err, c.DeleteInvitation(i.ID))
		}
	}
	return err
}

// Invited is an invitation with whom it is from, to and for.
type Invited struct {
	kigo.Invitation
	InTeam       kigo.Team
	Person, Host kigo.Account
	Again        bool // they were sent a letter of that team just now, and get no other
}

// Invitations returns those of a team that have not lapsed; of the actor's own when
// team is empty.
func (c *Control) Invitations(ctx context.Context, a Actor, team kigo.AccountID) (all []Invited, err error) {
	if team == "" {
		team = a.ID
	}
	err = c.Store.View(ctx, func(tx *store.Tx) error {
		some, err := tx.Invitations(team)
		for _, i := range some {
			if tx.Now().Sub(i.CreatedAt) > invitationLife {
				continue
			}
			one := Invited{Invitation: i}
			var e1, e2, e3 error
			one.InTeam, e1 = tx.FindTeam(string(i.Team))
			one.Person, e2 = tx.Account(i.Account)
			one.Host, e3 = tx.Account(i.InvitedBy)
			all, err = append(all, one), errors.Join(err, e1, e2, e3)
		}
		return err
	})
	return all, err
}

// Invite asks somebody to join a team.
func (c *Control) Invite(ctx context.Context, a Actor, id kigo.AccountID, email, role string) (i Invited, err error) {
	if err := checkRole(role); err != nil {
		return i, err
	}
	err = c.update(ctx, a, func(tx *change) error {
		if i.InTeam, err = tx.team(kigo.PermissionManage, string(id)); err != nil {
			return err
		}
		if i.Person, err = findAccount(tx.Tx, a, email); err != nil {
			return err
		}
		if i.Host, err = tx.Account(a.ID); err != nil {
			return err
		}
		if _, err := tx.TeamMember(id, i.Person.ID); err == nil {
			return kigo.Invalid("%s is already a member of %s.", i.Person.Email, i.InTeam.Name)
		} else if absent(err) != nil {
			return err
		}
		if err := tx.roomInTeam(i.InTeam); err != nil {
			return err
		}
		if i.Again, err = tx.invitedJustNow(id, i.Person.ID); err != nil {
			return err
		}
		i.Invitation = kigo.Invitation{Team: id, Account: i.Person.ID, InvitedBy: a.ID, Role: role}
		if err := tx.PutInvitation(&i.Invitation); err != nil {
			return err
		}
		if i.Again {
			return tx.emitInvitation(i)
		}
		post := tx.postSpaced("invitation", i.Person.Email, "Join the team "+i.InTeam.Name, invitationLife, `%s invites you to join the team %s as %s.

    kigo teams:accept %s

If you do not want to, do nothing.`, i.Host.Email, i.InTeam.Name, role, i.InTeam.Name)
		return errors.Join(post, tx.emitInvitation(i))
	})
	return i, err
}

func (c *change) emitInvitation(i Invited) error {
	return c.emit("team-invitation.create", "", i.ID, map[string]string{"email": i.Person.Email, "role": i.Role})
}

// invitedJustNow reports whether a team sent somebody a letter just now, and else that it does.
func (c *change) invitedJustNow(team, who kigo.AccountID) (bool, error) {
	if !c.control.Mail {
		return false, nil
	}
	const kind = "invited"
	whom := string(team) + " " + string(who)
	next, err := c.LetterTurn(whom, kind)
	if err != nil || next.After(c.Now()) {
		return err == nil, err
	}
	return false, c.SetLetterTurn(whom, kind, c.Now().Add(letterPause))
}

// RevokeInvitation takes one back that the caller has found among a team's.
func (c *Control) RevokeInvitation(ctx context.Context, a Actor, i Invited) error {
	return c.update(ctx, a, func(tx *change) error {
		if _, err := tx.team(kigo.PermissionManage, string(i.Team)); err != nil {
			return err
		}
		return errors.Join(tx.DeleteInvitation(i.ID), tx.emit("team-invitation.delete", "", i.ID, nil))
	})
}

// AcceptInvitation makes the actor what it was invited to be, once, while who
// invited still may.
func (c *Control) AcceptInvitation(ctx context.Context, a Actor, id string) (m PersonInTeam, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		mine, err := tx.Tx.Invitations(a.ID)
		if err != nil {
			return err
		}
		for _, i := range mine {
			if i.ID != id || i.Account != a.ID || tx.Now().Sub(i.CreatedAt) > invitationLife {
				continue
			}
			t, err := tx.FindTeam(string(i.Team))
			if err != nil {
				return err
			}
			if have, err := rights(tx.Tx, Actor{ID: i.InvitedBy}, t); err != nil || allowed(have, kigo.PermissionManage, t) != nil {
				return errors.Join(err, kigo.Invalid("Who invited you does not manage %s any more: ask for another invitation.", t.Name))
			}
			if _, err := tx.TeamMember(i.Team, a.ID); err == nil {
				return kigo.Invalid("You are a member of %s already.", t.Name)
			} else if absent(err) != nil {
				return err
			}
			if err := tx.roomInTeam(t); err != nil {
				return err
			}
			if m.Person, err = tx.Account(a.ID); err != nil {
				return err
			}
			m.TeamMember = kigo.TeamMember{Team: i.Team, Account: a.ID, Role: i.Role}
			return errors.Join(tx.PutTeamMember(&m.TeamMember), tx.DeleteInvitation(id),
				tx.emit("team-member.update", "", string(i.Team), map[string]string{"email": a.Email, "role": i.Role}))
		}
		return kigo.NotFound("team invitation")
	})
	return m, err
}
