package api

import (
	"errors"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/store"
)

// teamApps shows apps in the shape that lists of teams and filters have.
func (c *call) teamApps(apps []kigo.App) ([]client.TeamApp, error) {
	all, err := c.serializeApps(apps)
	if err != nil {
		return nil, err
	}
	out := make([]client.TeamApp, len(all))
	err = c.view(func(tx *store.Tx) error {
		for i, a := range all {
			_, err := tx.Collaborator(apps[i].ID, c.actor.ID)
			if err != nil && !errors.Is(err, kigo.ErrNotFound) {
				return err
			}
			out[i] = client.TeamApp{App: a, Joined: err == nil || apps[i].Owner == c.actor.ID, Locked: apps[i].Locked}
		}
		return nil
	})
	return out, err
}

func (c *call) teamAppReply(wrap func(any) reply, a kigo.App, err error) (reply, error) {
	if err != nil {
		return reply{}, err
	}
	all, err := c.teamApps([]kigo.App{a})
	if err != nil {
		return reply{}, err
	}
	return wrap(all[0]), nil
}

func (c *call) teamAppPage(apps []kigo.App, err error) (reply, error) {
	if err != nil {
		return reply{}, err
	}
	return page(c, apps, c.teamApps, textKey("id", func(a kigo.App) string { return string(a.ID) }), textKey("name", func(a kigo.App) string { return a.Name }))
}

func (c *call) appsOfTeam() (apps []kigo.App, err error) {
	err = c.view(func(tx *store.Tx) error {
		apps, err = tx.AppsOwnedBy(c.team.ID)
		return err
	})
	return apps, err
}

func teamAppList(c *call) (reply, error) { return c.teamAppPage(c.appsOfTeam()) }

func teamAppInfo(c *call) (reply, error) { return c.teamAppReply(ok, c.app, nil) }

// teamAppCreate makes an app of a team; of the actor when it says personal, or when
// there is neither a team nor a default one.
func teamAppCreate(c *call) (reply, error) {
	var in struct {
		Name     *string `json:"name"`
		Team     *ident  `json:"team"`
		Personal *bool   `json:"personal"`
		Locked   *bool   `json:"locked"`
		Region   *ident  `json:"region"`
		Stack    *ident  `json:"stack"`
		Space    *ident  `json:"space"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if in.Space.String() != "" {
		return reply{}, kigo.NotFound("space")
	}
	n := control.NewApp{
		Name: value(in.Name), Region: c.s.regionName(in.Region.String()), Stack: c.s.stackName(in.Stack.String()),
		Team: in.Team.String(), Locked: value(in.Locked),
	}
	if in.Name != nil && n.Name == "" {
		return reply{}, kigo.ValidateAppName("")
	}
	if n.Team == "" && !value(in.Personal) {
		var err error
		if n.Team, err = c.defaultTeam(); err != nil {
			return reply{}, err
		}
	}
	a, err := ctrl(c).CreateApp(c.ctx(), c.actor, n)
	return c.teamAppReply(created, a, err)
}

// defaultTeam is the id of the actor's default team; empty: none.
func (c *call) defaultTeam() (id string, err error) {
	err = c.view(func(tx *store.Tx) error {
		mine, err := tx.TeamsJoined(c.actor.ID)
		for _, m := range mine {
			if m.Default {
				id = string(m.Team)
			}
		}
		return err
	})
	return id, err
}

// teamAppUpdate locks an app, or gives it to another owner: a team, or one of the
// team's members.
func teamAppUpdate(c *call) (reply, error) {
	var in struct {
		Locked *bool  `json:"locked"`
		Owner  *ident `json:"owner"`
	}
	err := c.decode(&in)
	switch {
	case err != nil:
	case in.Owner.String() != "":
		c.app, err = ctrl(c).MoveApp(c.ctx(), c.actor, c.app.ID, in.Owner.String())
	case in.Locked != nil:
		c.app, err = ctrl(c).LockApp(c.ctx(), c.actor, c.app.ID, *in.Locked)
	default:
		err = kigo.Invalid("locked or owner is required.")
	}
	return c.teamAppReply(ok, c.app, err)
}
