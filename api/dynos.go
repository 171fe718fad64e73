package api

import (
	"slices"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/store"
)

func (c *call) serializeDyno(d kigo.Dyno) client.Dyno {
	out := client.Dyno{
		App:       appRef(c.app),
		Command:   d.Command,
		CreatedAt: second(d.CreatedAt),
		ID:        string(d.ID),
		Name:      d.Name(),
		Release:   client.ReleaseRef{ID: string(d.Release), Version: d.Version},
		Size:      d.Size,
		State:     string(d.State),
		Type:      d.Type,
		UpdatedAt: second(d.UpdatedAt),
	}
	if d.Reason != "" && d.State != kigo.DynoUp {
		out.Extended = &client.DynoMore{Reason: d.Reason}
	}
	if d.Attach.Secret != "" && c.s.Attach != nil {
		out.AttachURL = optional(c.s.Attach(c.r, d.Attach.Secret))
	}
	return out
}

func dynoList(c *call) (reply, error) {
	var all []kigo.Dyno
	err := c.view(func(tx *store.Tx) (err error) {
		all, err = tx.Dynos(c.app.ID)
		return err
	})
	if err != nil {
		return reply{}, err
	}
	all = slices.DeleteFunc(all, func(d kigo.Dyno) bool { return !shown(d) })
	return page(c, all, each(c.serializeDyno),
		textKey("id", func(d kigo.Dyno) string { return string(d.ID) }),
		textKey("name", kigo.Dyno.Name),
		timeKey("updated_at", func(d kigo.Dyno) time.Time { return d.UpdatedAt }))
}

// shown reports whether a dyno is in lists: not one that has ended for good, nor
// one of the formation that is being replaced.
func shown(d kigo.Dyno) bool { return d.State != kigo.DynoComplete && !(d.Stop && !d.OneOff) }

// dyno finds {dyno} of the path, by name or id.
func (c *call) dyno() (d kigo.Dyno, err error) {
	err = c.view(func(tx *store.Tx) error {
		d, err = tx.FindDyno(c.app.ID, c.param("dyno"))
		return err
	})
	return d, err
}

func dynoInfo(c *call) (reply, error) {
	d, err := c.dyno()
	return ok(c.serializeDyno(d)), err
}

func dynoCreate(c *call) (reply, error) {
	var in struct {
		Attach     *bool   `json:"attach"`
		Command    *string `json:"command"`
		Env        dynoEnv `json:"env"`
		ForceNoTTY *bool   `json:"force_no_tty"`
		Size       *string `json:"size"`
		Type       *string `json:"type"`
		TimeToLive *int64  `json:"time_to_live"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if value(in.Command) == "" {
		return reply{}, kigo.Invalid("command is required: what the dyno shall run.")
	}
	ttl, err := lifetime(in.TimeToLive)
	if err != nil {
		return reply{}, err
	}
	d, err := ctrl(c).RunDyno(c.ctx(), c.actor, c.app.ID, control.NewDyno{
		Command: *in.Command, Env: in.Env, Attach: value(in.Attach), NoTTY: value(in.ForceNoTTY),
		Size: value(in.Size), Type: value(in.Type), TTL: ttl,
	})
	return created(c.serializeDyno(d)), err
}

// maxTTL bounds time_to_live: a dyno lives for a day at most.
const maxTTL = 24 * 60 * 60

// lifetime reads time_to_live; without one it is 0.
func lifetime(seconds *int64) (time.Duration, error) {
	if seconds != nil && (*seconds < 1 || *seconds > maxTTL) {
		return 0, kigo.Invalid("time_to_live must be between 1 and %d seconds.", maxTTL)
	}
	return time.Duration(value(seconds)) * time.Second, nil
}

func dynoRestartAll(c *call) (reply, error) {
	return accepted(empty), ctrl(c).RestartDynos(c.ctx(), c.actor, c.app.ID, "")
}

func dynoRestart(c *call) (reply, error) {
	if _, err := c.dyno(); err != nil {
		return reply{}, err
	}
	return accepted(empty), ctrl(c).RestartDynos(c.ctx(), c.actor, c.app.ID, c.param("dyno"))
}

func dynoStop(c *call) (reply, error) {
	if _, err := c.dyno(); err != nil {
		return reply{}, err
	}
	return accepted(empty), ctrl(c).StopDynos(c.ctx(), c.actor, c.app.ID, c.param("dyno"))
}

func formationRestart(c *call) (reply, error) {
	if err := c.processType(); err != nil {
		return reply{}, err
	}
	return accepted(empty), ctrl(c).RestartDynos(c.ctx(), c.actor, c.app.ID, c.param("type"))
}

func formationStop(c *call) (reply, error) {
	if err := c.processType(); err != nil {
		return reply{}, err
	}
	return accepted(empty), ctrl(c).StopDynos(c.ctx(), c.actor, c.app.ID, c.param("type"))
}

// processType checks that {type} of the path is one of the app's, or has dynos.
func (c *call) processType() error {
	return c.view(func(tx *store.Tx) error {
		_, missing := tx.Formation(c.app.ID, c.param("type"))
		dynos, err := tx.Dynos(c.app.ID)
		if err != nil {
			return err
		}
		for _, d := range dynos {
			if d.Type == c.param("type") {
				return nil
			}
		}
		return missing
	})
}
