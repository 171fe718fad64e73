package control

import (
	"context"
	"errors"

	"github.com/kigo-dev/kigo"
)

// SetEgressRule opens or closes a part of the network to an app's dynos; a rule for
// the same target and port gives way. To open a private range takes an operator.
func (c *Control) SetEgressRule(ctx context.Context, a Actor, r kigo.EgressRule) (kigo.EgressRule, error) {
	if err := r.Check(); err != nil {
		return r, err
	}
	err := c.update(ctx, a, func(tx *change) error {
		app, err := tx.app(r.App)
		if err != nil {
			return err
		}
		r.Operator = tx.operator() == nil
		if r.Allow && r.Private() && !r.Operator {
			return &kigo.Error{ID: kigo.IDForbidden, Message: r.Name() + " is in a private range: ask an operator of this platform, who has access to the app, to allow it."}
		}
		have, err := tx.EgressRules(r.App)
		if err != nil {
			return err
		}
		if len(have) >= kigo.MaxEgressRules {
			return kigo.Invalid("%s has %d egress rules, and more are not possible: remove one first.", app.Name, len(have))
		}
		for _, old := range have {
			if old.Target == r.Target && old.Port == r.Port && (old.Origin != "" || old.Operator && tx.operator() != nil) {
				return kigo.Conflict("%s has a rule for %s that somebody else keeps (%s).", app.Name, r.Name(), keeper(old))
			}
		}
		if err := tx.SetEgressRule(&r); err != nil {
			return err
		}
		tx.byf(r.App, "%s egress to %s", allowDeny(r), r.Name())
		return tx.emit("egress.update", r.App, r.ID, map[string]any{"allow": r.Allow, "target": r.Name()})
	})
	return r, err
}

func keeper(r kigo.EgressRule) string {
	if r.Origin != "" {
		return r.Origin
	}
	return "an operator"
}

func allowDeny(r kigo.EgressRule) string {
	if r.Allow {
		return "Allow"
	}
	return "Deny"
}

// RemoveEgressRule removes an app's rule, named by its id or its target.
func (c *Control) RemoveEgressRule(ctx context.Context, a Actor, id kigo.AppID, which string) (r kigo.EgressRule, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		if _, err := tx.app(id); err != nil {
			return err
		}
		have, err := tx.EgressRules(id)
		if err != nil {
			return err
		}
		for _, r = range have {
			if r.ID != which && r.Name() != which && r.Target.String() != which {
				continue
			}
			if r.Origin != "" {
				return kigo.Conflict("The rule for %s belongs to %s and goes with it.", r.Name(), r.Origin)
			}
			if r.Operator && !r.Allow && tx.operator() != nil {
				return kigo.Conflict("An operator of this platform has closed %s, and alone can open it again.", r.Name())
			}
			if err := tx.DeleteEgressRule(r.ID); err != nil {
				return err
			}
			tx.byf(id, "Remove egress rule for %s", r.Name())
			return tx.emit("egress.delete", id, r.ID, map[string]any{"target": r.Name()})
		}
		return kigo.NotFound("egress rule")
	})
	return r, err
}

// SetIsolation chooses how an app's dynos are kept apart from the machine. Those
// that run stay as they are until they restart.
func (c *Control) SetIsolation(ctx context.Context, a Actor, id kigo.AppID, class kigo.Isolation) error {
	if err := c.checkIsolation(class); err != nil {
		return err
	}
	return c.update(ctx, a, func(tx *change) error {
		if _, err := tx.app(id); err != nil {
			return err
		}
		if err := tx.Tx.SetIsolation(id, class); err != nil {
			return err
		}
		tx.byf(id, "Isolate dynos as %s", class)
		return tx.emit("isolation.update", id, string(id), map[string]string{"class": string(class)})
	})
}

// SetTeamIsolation chooses that for the apps of a team which say nothing themselves.
func (c *Control) SetTeamIsolation(ctx context.Context, a Actor, which string, class kigo.Isolation) error {
	if err := c.checkIsolation(class); err != nil {
		return err
	}
	return c.update(ctx, a, func(tx *change) error {
		t, err := tx.team(kigo.PermissionManage, which)
		if err != nil {
			return err
		}
		return errors.Join(tx.Tx.SetTeamIsolation(t.ID, class), tx.emit("team-isolation.update", "", string(t.ID), map[string]string{"class": string(class)}))
	})
}

func (c *Control) checkIsolation(class kigo.Isolation) error {
	if class == kigo.IsolationHardened && !c.Hardened {
		return kigo.Invalid("This platform has no hardened isolation: its operator installs gVisor's runsc and starts the server with --runsc PATH.")
	}
	return nil
}
