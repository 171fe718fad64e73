package api

import (
	"github.com/kigo-dev/kigo/client"
)

// auditVerify checks the chain of events, for operators.
func auditVerify(c *call) (reply, error) {
	if err := c.forOperators(); err != nil {
		return reply{}, err
	}
	v, err := c.s.Store.VerifyAudit(c.ctx())
	return ok(client.Audit{Events: v.Events, Before: v.Before, Trouble: optional(v.Trouble)}), err
}
