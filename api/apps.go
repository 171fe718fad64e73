package api

import (
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/store"
)

// generation is Heroku's name for the platform that we are like: dynos with
// slugs, against "fir" with its container images.
const generation = "cedar"

func (c *call) serializeApp(a kigo.App, ownerEmail string) client.App {
	out := client.App{
		ACM:                          a.ACM,
		BuildStack:                   fixedRef("stack", a.BuildStack),
		BuildpackProvidedDescription: optional(a.BuildpackProvided),
		CreateStatus:                 "complete",
		CreatedAt:                    second(a.CreatedAt),
		Generation:                   fixedRef("generation", generation),
		GitURL:                       c.s.gitURL(c.r, a.Name),
		ID:                           string(a.ID),
		InternalRouting:              new(bool),
		Maintenance:                  a.Maintenance,
		Name:                         a.Name,
		Owner:                        userRef(a.Owner, ownerEmail),
		Region:                       fixedRef("region", a.Region),
		ReleasedAt:                   optionalTime(released(a)),
		RepoSize:                     optional(a.RepoSize),
		SlugSize:                     optional(a.SlugSize),
		Stack:                        fixedRef("stack", a.Stack),
		UpdatedAt:                    second(a.UpdatedAt),
		WebURL:                       c.s.WebURL(a.Name),
	}
	out.Team = teamOf(a.Owner, ownerEmail)
	out.Organization = out.Team
	return out
}

// appReply answers with one app.
func (c *call) appReply(a kigo.App, wrap func(any) reply) (reply, error) {
	apps, err := c.serializeApps([]kigo.App{a})
	if err != nil {
		return reply{}, err
	}
	return wrap(apps[0]), nil
}

// serializeApps adds the owners' addresses.
func (c *call) serializeApps(apps []kigo.App) ([]client.App, error) {
	emails := map[kigo.AccountID]string{c.actor.ID: c.actor.Email}
	err := c.view(func(tx *store.Tx) error {
		for _, a := range apps {
			if _, known := emails[a.Owner]; known {
				continue
			}
			owner, err := tx.Account(a.Owner)
			if err != nil {
				return err
			}
			emails[a.Owner] = owner.Email
		}
		return nil
	})
	out := make([]client.App, len(apps))
	for i, a := range apps {
		out[i] = c.serializeApp(a, emails[a.Owner])
	}
	return out, err
}

func appList(c *call) (reply, error) {
	var apps []kigo.App
	err := c.view(func(tx *store.Tx) (err error) {
		apps, err = tx.AppsOf(c.actor.ID)
		return err
	})
	return c.appPage(apps, err)
}

func (c *call) appPage(apps []kigo.App, err error) (reply, error) {
	if err != nil {
		return reply{}, err
	}
	return page(c, apps, c.serializeApps,
		textKey("id", func(a kigo.App) string { return string(a.ID) }),
		textKey("name", func(a kigo.App) string { return a.Name }),
		timeKey("updated_at", func(a kigo.App) time.Time { return a.UpdatedAt }))
}

// appListOfUser is of the apps that somebody owns, or collaborates on; those of teams
// are in the teams' lists.
func appListOfUser(c *call) (reply, error) {
	if err := c.user(); err != nil {
		return reply{}, err
	}
	var apps []kigo.App
	err := c.view(func(tx *store.Tx) error {
		all, err := tx.AppsOf(c.actor.ID)
		for _, a := range all {
			owner, err := tx.Account(a.Owner)
			if err != nil {
				return err
			}
			if _, perr := tx.Collaborator(a.ID, c.actor.ID); a.Owner == c.actor.ID || perr == nil && teamOf(a.Owner, owner.Email) == nil {
				apps = append(apps, a)
			}
		}
		return err
	})
	return c.appPage(apps, err)
}

func appInfo(c *call) (reply, error) {
	apps, err := c.serializeApps([]kigo.App{c.app})
	if err != nil {
		return reply{}, err
	}
	err = c.view(func(tx *store.Tx) error {
		all, err := tx.Formations(c.app.ID)
		for _, f := range all {
			if s, err := kigo.FindSize(f.Size); err == nil && s.Sleeps {
				apps[0].ProcessTier = "eco"
			}
		}
		return err
	})
	return ok(apps[0]), err
}

func appCreate(c *call) (reply, error) {
	var in struct {
		Name   *string `json:"name"`
		Region *ident  `json:"region"`
		Stack  *ident  `json:"stack"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	n := control.NewApp{Region: c.s.regionName(in.Region.String()), Stack: c.s.stackName(in.Stack.String())}
	if in.Name != nil {
		n.Name = *in.Name
		if n.Name == "" {
			return reply{}, kigo.ValidateAppName(n.Name)
		}
	}
	a, err := ctrl(c).CreateApp(c.ctx(), c.actor, n)
	if err != nil {
		return reply{}, err
	}
	return c.appReply(a, created)
}

func appUpdate(c *call) (reply, error) {
	var in struct {
		Name        *string `json:"name"`
		Maintenance *bool   `json:"maintenance"`
		BuildStack  *ident  `json:"build_stack"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if in.Name != nil && *in.Name != c.app.Name {
		if err := ctrl(c).Can(c.ctx(), c.actor, kigo.PermissionManage, c.app); err != nil {
			return reply{}, err
		}
	}
	change := control.AppChange{Name: in.Name, Maintenance: in.Maintenance}
	if in.BuildStack != nil {
		change.BuildStack = optional(c.s.stackName(in.BuildStack.String()))
	}
	a, err := ctrl(c).UpdateApp(c.ctx(), c.actor, c.app.ID, change)
	if err != nil {
		return reply{}, err
	}
	return c.appReply(a, ok)
}

func appDelete(c *call) (reply, error) {
	before := c.app
	if _, err := ctrl(c).DestroyApp(c.ctx(), c.actor, c.app.ID); err != nil {
		return reply{}, err
	}
	return c.appReply(before, ok)
}

// released is when an app was released: before any code it is the empty release
// that it is made with.
func released(a kigo.App) time.Time {
	if a.ReleasedAt.IsZero() {
		return a.CreatedAt
	}
	return a.ReleasedAt
}
