package api

import (
	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/store"
)

// auditVerify checks the chain of events, for operators.
func auditVerify(c *call) (reply, error) {
	var me kigo.Account
	err := c.view(func(tx *store.Tx) (err error) {
		me, err = tx.Account(c.actor.ID)
		return err
	})
	if err != nil {
		return reply{}, err
	}
	if !me.Operator {
		return reply{}, newError(kigo.IDForbidden, "Only an operator of this platform may do that.")
	}
	v, err := c.s.Store.VerifyAudit(c.ctx())
	return ok(client.Audit{Events: v.Events, Before: v.Before, Trouble: optional(v.Trouble)}), err
}
