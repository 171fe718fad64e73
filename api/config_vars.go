package api

import (
	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

func configInfo(c *call) (reply, error) {
	return c.configReply(func(tx *store.Tx) (kigo.ConfigVars, error) { return tx.ConfigVars(c.app.ID) })
}

func releaseConfigInfo(c *call) (reply, error) {
	return c.configReply(func(tx *store.Tx) (kigo.ConfigVars, error) {
		r, err := tx.FindRelease(c.app.ID, c.param("release"))
		if err != nil {
			return nil, err
		}
		return tx.ReleaseConfig(r.ID)
	})
}

func (c *call) configReply(read func(*store.Tx) (kigo.ConfigVars, error)) (reply, error) {
	var vars kigo.ConfigVars
	err := c.view(func(tx *store.Tx) (err error) {
		vars, err = read(tx)
		return err
	})
	return ok(someVars(vars)), err
}

func configUpdate(c *call) (reply, error) {
	var in map[string]*string
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	vars, _, err := ctrl(c).SetConfig(c.ctx(), c.actor, c.app.ID, in)
	return ok(someVars(vars)), err
}

// someVars is never null in JSON.
func someVars(vars kigo.ConfigVars) kigo.ConfigVars {
	if vars == nil {
		return kigo.ConfigVars{}
	}
	return vars
}
