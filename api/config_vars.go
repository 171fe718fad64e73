package api

import (
	"encoding/json"
	"strconv"

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

// configChanges reads what shall be set, and with nil removed, from the body.
func (c *call) configChanges() (map[string]*string, error) {
	var in map[string]json.RawMessage
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	changes := make(map[string]*string, len(in))
	for name, raw := range in {
		var v *string
		if json.Unmarshal(raw, &v) != nil {
			return nil, kigo.Invalid("The value of config var %.40s must be a string, or null to remove it.", strconv.Quote(name))
		}
		changes[name] = v
	}
	return changes, nil
}

func configUpdate(c *call) (reply, error) {
	changes, err := c.configChanges()
	if err != nil {
		return reply{}, err
	}
	vars, _, err := ctrl(c).SetConfig(c.ctx(), c.actor, c.app.ID, changes)
	return ok(someVars(vars)), err
}

// someVars is never null in JSON.
func someVars(vars kigo.ConfigVars) kigo.ConfigVars {
	if vars == nil {
		return kigo.ConfigVars{}
	}
	return vars
}
