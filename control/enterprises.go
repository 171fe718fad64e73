package control

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

// CreateEnterprise makes an enterprise account whose manager is the account of that
// address. Only operators may: it sees what its teams do.
func (c *Control) CreateEnterprise(ctx context.Context, a Actor, name, manager string) (e kigo.Enterprise, err error) {
	if err := kigo.ValidateTeamName(name); err != nil {
		return e, err
	}
	err = c.update(ctx, a, func(tx *change) error {
		if err := tx.operator(); err != nil {
			return err
		}
		if _, err := tx.FindEnterprise(name); err == nil {
			return kigo.Invalid("Name %s is already taken", name)
		} else if absent(err) != nil {
			return err
		}
		who, err := findAccount(tx.Tx, a, manager)
		if err != nil {
			return err
		}
		e = kigo.Enterprise{Name: name}
		if err := tx.CreateEnterprise(&e); err != nil {
			return err
		}
		m := kigo.EnterpriseMember{Enterprise: e.ID, Account: who.ID, Permissions: kigo.EnterprisePermissions}
		return errors.Join(tx.PutEnterpriseMember(&m), tx.emit("enterprise.create", "", e.ID, map[string]string{"name": name, "manager": who.Email}))
	})
	return e, err
}

// Enterprise returns one, by name or id, when the actor may do with it what verb says.
func (c *Control) Enterprise(ctx context.Context, a Actor, verb, which string) (e kigo.Enterprise, have []string, err error) {
	err = c.Store.View(ctx, func(tx *store.Tx) error {
		if e, err = tx.FindEnterprise(which); err != nil {
			return err
		}
		have, err = rights(tx, a, e)
		return errors.Join(err, allowed(have, verb, e))
	})
	return e, have, err
}

// RenameEnterprise gives it another name.
func (c *Control) RenameEnterprise(ctx context.Context, a Actor, e kigo.Enterprise, name string) (kigo.Enterprise, error) {
	if err := kigo.ValidateTeamName(name); err != nil {
		return e, err
	}
	err := c.update(ctx, a, func(tx *change) error {
		if err := tx.can(kigo.PermissionManage, e); err != nil {
			return err
		}
		if other, err := tx.FindEnterprise(name); err == nil && other.ID != e.ID {
			return kigo.Invalid("Name %s is already taken", name)
		} else if absent(err) != nil {
			return err
		}
		e.Name = name
		return errors.Join(tx.UpdateEnterprise(&e), tx.emit("enterprise.update", "", e.ID, map[string]string{"name": name}))
	})
	return e, err
}

// CreateEnterpriseTeam makes a team in an enterprise account; the actor is its admin.
func (c *Control) CreateEnterpriseTeam(ctx context.Context, a Actor, e kigo.Enterprise, name string) (t kigo.Team, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		if err := tx.can(kigo.PermissionCreate, e); err != nil {
			return err
		}
		if t, err = tx.newTeam(name, e.ID); err != nil {
			return err
		}
		return tx.PutTeamMember(&kigo.TeamMember{Team: t.ID, Account: a.ID, Role: kigo.RoleAdmin})
	})
	return t, err
}

// PersonInEnterprise is a member with who it is.
type PersonInEnterprise struct {
	kigo.EnterpriseMember
	Person kigo.Account
}

// EnterpriseMembers returns an enterprise account's.
func (c *Control) EnterpriseMembers(ctx context.Context, id string) (all []PersonInEnterprise, err error) {
	err = c.Store.View(ctx, func(tx *store.Tx) error {
		all, err = enterpriseMembers(tx, id)
		return err
	})
	return all, err
}

func enterpriseMembers(tx *store.Tx, id string) (all []PersonInEnterprise, err error) {
	parts, err := tx.EnterpriseMembers(id)
	for _, m := range parts {
		person, perr := tx.Account(m.Account)
		all, err = append(all, PersonInEnterprise{m, person}), errors.Join(err, perr)
	}
	return all, err
}

// PutEnterpriseMember gives somebody permissions, anew or others than before.
func (c *Control) PutEnterpriseMember(ctx context.Context, a Actor, e kigo.Enterprise, who string, permissions []string, create bool) (m PersonInEnterprise, err error) {
	permissions, err = enterprisePermissions(permissions)
	if err != nil {
		return m, err
	}
	err = c.update(ctx, a, func(tx *change) error {
		if err := tx.can(kigo.PermissionManage, e); err != nil {
			return err
		}
		if m, err = tx.enterpriseMember(e.ID, who); create && err == nil {
			return kigo.Invalid("%s is already a member of %s.", m.Person.Email, e.Name)
		} else if create && absent(err) == nil {
			if m.Person, err = findAccount(tx.Tx, a, who); err == nil {
				m.EnterpriseMember = kigo.EnterpriseMember{Enterprise: e.ID, Account: m.Person.ID}
			}
		}
		if err != nil {
			return err
		}
		if err := tx.keepManager(e, m, permissions); err != nil {
			return err
		}
		m.Permissions = permissions
		return errors.Join(tx.PutEnterpriseMember(&m.EnterpriseMember),
			tx.emit("enterprise-member.update", "", e.ID, map[string]string{"email": m.Person.Email, "permissions": strings.Join(permissions, ",")}))
	})
	return m, err
}

func enterprisePermissions(given []string) ([]string, error) {
	if len(given) == 0 {
		return nil, kigo.Invalid("permissions are required: some of %s.", strings.Join(kigo.EnterprisePermissions, ", "))
	}
	all := []string{kigo.PermissionView}
	for _, p := range given {
		if !slices.Contains(kigo.EnterprisePermissions, p) {
			return nil, kigo.Invalid("Unknown permission %.40q. Permissions are %s.", p, strings.Join(kigo.EnterprisePermissions, ", "))
		}
		all = append(all, p)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// RemoveEnterpriseMember takes somebody away.
func (c *Control) RemoveEnterpriseMember(ctx context.Context, a Actor, e kigo.Enterprise, who string) (m PersonInEnterprise, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		if err := tx.can(kigo.PermissionManage, e); err != nil {
			return err
		}
		if m, err = tx.enterpriseMember(e.ID, who); err != nil {
			return err
		}
		if err := tx.keepManager(e, m, nil); err != nil {
			return err
		}
		return errors.Join(tx.DeleteEnterpriseMember(m.ID), tx.emit("enterprise-member.delete", "", e.ID, map[string]string{"email": m.Person.Email}))
	})
	return m, err
}

func (c *change) enterpriseMember(id, who string) (PersonInEnterprise, error) {
	all, err := enterpriseMembers(c.Tx, id)
	for _, m := range all {
		if who == m.ID || who == string(m.Account) || strings.EqualFold(who, m.Person.Email) {
			return m, nil
		}
	}
	return PersonInEnterprise{}, errors.Join(err, kigo.NotFound("enterprise account member"))
}

// keepManager refuses to leave an enterprise account without somebody who manages it.
func (c *change) keepManager(e kigo.Enterprise, but PersonInEnterprise, permissions []string) error {
	if slices.Contains(permissions, kigo.PermissionManage) || !slices.Contains(but.Permissions, kigo.PermissionManage) {
		return nil
	}
	all, err := c.Tx.EnterpriseMembers(e.ID)
	for _, m := range all {
		if m.Account != but.Account && slices.Contains(m.Permissions, kigo.PermissionManage) {
			return nil
		}
	}
	return errors.Join(err, kigo.Invalid("An enterprise account needs a manager, and %s has no other: make somebody else one first.", e.Name))
}
