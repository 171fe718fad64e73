package api

import (
	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/control"
)

// dynoRunInside starts a command in a dyno that runs (the CLI's run:inside): the
// answer is a one-off whose attach_url leads to the command.
func dynoRunInside(c *call) (reply, error) {
	var in struct {
		Command    *string `json:"command"`
		Env        dynoEnv `json:"env"`
		ForceNoTTY *bool   `json:"force_no_tty"`
		Attach     *bool   `json:"attach"`
		TimeToLive *int64  `json:"time_to_live"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if value(in.Command) == "" {
		return reply{}, kigo.Invalid("command is required: what shall run in the dyno?")
	}
	ttl, err := lifetime(in.TimeToLive)
	if err != nil {
		return reply{}, err
	}
	d, err := ctrl(c).RunInside(c.ctx(), c.actor, c.app.ID, c.param("dyno"), control.NewDyno{
		Command: *in.Command, Env: in.Env, NoTTY: value(in.ForceNoTTY), TTL: ttl,
	})
	return created(c.serializeDyno(d)), err
}
