package control

import (
	"context"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/secret"
)

// RunInside starts a command in a dyno that is up (run:inside). The answer is a
// one-off with an Attach.Secret of its own; its command begins when its client comes.
func (c *Control) RunInside(ctx context.Context, a Actor, id kigo.AppID, which string, n NewDyno) (d kigo.Dyno, err error) {
	n.Type, n.Size, n.Attach = "", "", true
	if err := n.check(); err != nil {
		return d, err
	}
	err = c.update(ctx, a, func(tx *change) error {
		if _, err := tx.app(id); err != nil {
			return err
		}
		host, err := tx.FindDyno(id, which)
		if err != nil {
			return err
		}
		if host.Stop || host.State != kigo.DynoUp || host.Inside != "" {
			return kigo.Invalid("Cannot run inside %s: it is not up.", host.Name())
		}
		r, err := tx.Release(host.Release)
		if err != nil {
			return err
		}
		d = kigo.Dyno{App: id, Release: host.Release, Version: host.Version, Type: "run", OneOff: true, Size: host.Size, Env: n.Env, TTL: n.TTL, Inside: host.ID,
			Attach: kigo.Attach{Wanted: true, NoTTY: n.NoTTY, Secret: secret.NewCapability(), By: a.ID, Authorization: a.Authorization}}
		if err := tx.fillOneOff(&d, n, r.Slug, nil); err != nil {
			return err
		}
		if err := tx.CreateDyno(&d); err != nil {
			return err
		}
		tx.byf(id, "Starting process with command `%s` inside %s", n.Command, host.Name())
		return tx.emit("dyno.create", id, string(d.ID), nil)
	})
	return d, err
}
