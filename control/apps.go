package control

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

// NameHold is how long the name of a destroyed app is kept from other accounts, so
// that nobody takes over its visitors. The name that an app had before a rename
// leads to it, and is kept from others, for as long as the app lives. The owner
// may use either again at once.
const NameHold = 30 * 24 * time.Hour

// NewApp is what a new app starts with; empty fields have defaults.
type NewApp struct {
	Name, Stack, Region string
	Team                string // name or id of the team that shall own it; empty: the actor
	Locked              bool   // so that members of the team cannot join by themselves
}

// AppChange changes what is not nil.
type AppChange struct {
	Name        *string
	Maintenance *bool
	BuildStack  *string
}

// CreateApp makes an app with its first two releases, which hold no code, and its
// default domain.
func (c *Control) CreateApp(ctx context.Context, a Actor, n NewApp) (app kigo.App, err error) {
	if err := n.check(c); err != nil {
		return app, err
	}
	err = c.update(ctx, a, func(tx *change) error {
		app, err = tx.newApp(n)
		return err
	})
	return app, err
}

// check refuses a bad name and fills in what is empty but the name.
func (n *NewApp) check(c *Control) (err error) {
	if n.Stack, err = c.stack(n.Stack); err != nil {
		return err
	}
	if n.Region, err = choose("region", n.Region, c.Regions, DefaultRegion); err != nil || n.Name == "" {
		return err
	}
	return kigo.ValidateAppName(n.Name)
}

// newApp makes an app of what check has passed.
func (c *change) newApp(n NewApp) (app kigo.App, err error) {
	owner := c.actor.ID
	if n.Team != "" {
		t, err := c.team(kigo.PermissionCreate, n.Team)
		if err != nil {
			return app, err
		}
		owner = t.ID
	} else if n.Locked {
		return app, kigo.Invalid("locked is for apps of a team: name the team as well.")
	}
	if n.Name == "" {
		if n.Name, err = c.freeName(); err != nil {
			return app, err
		}
	} else if err := c.checkName(n.Name, "", owner); err != nil {
		return app, err
	}
	app = kigo.App{Name: n.Name, Owner: owner, Locked: n.Locked, Stack: n.Stack, BuildStack: n.Stack, Region: n.Region}
	if err := errors.Join(c.DeleteFormerName(n.Name), c.CreateApp(&app)); err != nil {
		return app, err
	}
	if err := c.begin(&app); err != nil || owner == c.actor.ID {
		return app, err
	}
	// Who makes an app of a team works on it, and may do all with it.
	return app, c.CreateCollaborator(&kigo.Collaborator{App: app.ID, Account: c.actor.ID, Permissions: kigo.Permissions})
}

// begin gives a new app what every app has.
func (c *change) begin(app *kigo.App) error {
	if err := c.emit("app.create", app.ID, string(app.ID), map[string]string{"name": app.Name}); err != nil {
		return err
	}
	d := kigo.Domain{App: app.ID, Hostname: c.control.hostname(app.Name), Kind: kigo.DomainDefault, Status: "succeeded"}
	if err := c.CreateDomain(&d); err != nil {
		return err
	}
	if err := c.emit("domain.create", app.ID, d.ID, nil); err != nil {
		return err
	}
	for _, what := range []string{"Initial release", "Enable Logplex"} {
		c.byf(app.ID, "%s", what)
		if _, err := c.release(app, newRelease{description: what}); err != nil {
			return err
		}
	}
	return nil
}

// UpdateApp renames an app, sets maintenance mode or the stack of its next build.
func (c *Control) UpdateApp(ctx context.Context, a Actor, id kigo.AppID, ch AppChange) (app kigo.App, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		if app, err = tx.app(id); err != nil {
			return err
		}
		if ch.Name != nil && *ch.Name != app.Name {
			if err := tx.rename(&app, *ch.Name); err != nil {
				return err
			}
		}
		if ch.Maintenance != nil && *ch.Maintenance != app.Maintenance {
			app.Maintenance = *ch.Maintenance
			tx.byf(id, "Maintenance mode %s", onOff(app.Maintenance))
		}
		if ch.BuildStack != nil {
			if err := tx.setStack(&app, *ch.BuildStack); err != nil {
				return err
			}
		}
		if err := tx.UpdateApp(&app); err != nil {
			return err
		}
		return tx.emit("app.update", id, string(id), map[string]string{"name": app.Name})
	})
	return app, err
}

func (c *change) rename(app *kigo.App, name string) error {
	if err := kigo.ValidateAppName(name); err != nil {
		return err
	}
	if err := c.checkName(name, app.ID, app.Owner); err != nil {
		return err
	}
	old := app.Name
	err := errors.Join(
		c.DeleteFormerName(name), // its own, or one that has lapsed
		c.PutFormerName(store.FormerName{Name: old, App: app.ID, Owner: app.Owner}),
	)
	if err != nil {
		return err
	}
	app.Name = name
	c.byf(app.ID, "Rename %s to %s", old, name)
	domains, err := c.Domains(app.ID)
	if err != nil {
		return err
	}
	for _, d := range domains {
		if d.Kind != kigo.DomainDefault {
			continue
		}
		d.Hostname = c.control.hostname(name)
		if err := c.UpdateDomain(&d); err != nil {
			return err
		}
	}
	return nil
}

func (c *change) setStack(app *kigo.App, name string) error {
	stack, err := c.control.stack(name)
	if err != nil || stack == app.BuildStack {
		return err
	}
	c.byf(app.ID, "Stack changed from %s to %s", app.BuildStack, stack)
	app.BuildStack = stack
	if app.ReleasedAt.IsZero() {
		app.Stack = stack // nothing runs on the old one
	}
	return nil
}

// DestroyApp deletes an app for its owner: it is not found any more, its hosts
// lead nowhere, its dynos are asked to stop. Its rows stay until FinishDestroy.
// The answer is the app as it was.
func (c *Control) DestroyApp(ctx context.Context, a Actor, id kigo.AppID) (was kigo.App, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		if was, err = tx.app(id); err != nil {
			return err
		}
		if err := tx.holdNames(was); err != nil {
			return err
		}
		app := was
		app.Destroying = true
		app.Name = string(app.ID) // frees the name for its owner
		if err := tx.UpdateApp(&app); err != nil {
			return err
		}
		if err := tx.tearDown(id); err != nil {
			return err
		}
		return tx.emit("app.destroy", id, string(id), map[string]string{"name": was.Name})
	})
	return was, err
}

// holdNames keeps an ended app's names from others for NameHold.
func (c *change) holdNames(app kigo.App) error {
	if err := c.HoldFormerNames(app.ID); err != nil {
		return err
	}
	return c.PutFormerName(store.FormerName{Name: app.Name, App: app.ID, Owner: app.Owner})
}

// tearDown ends what an app has running.
func (c *change) tearDown(id kigo.AppID) error {
	domains, err := c.Domains(id)
	if err != nil {
		return err
	}
	for _, d := range domains {
		if err := errors.Join(c.DeleteDomain(d.ID), c.emit("domain.delete", id, d.ID, nil)); err != nil {
			return err
		}
	}
	dynos, err := c.Dynos(id)
	if err != nil {
		return err
	}
	if err := c.stop(dynos); err != nil {
		return err
	}
	builds, err := c.Builds(id)
	if err != nil {
		return err
	}
	for _, b := range builds {
		if b.Status != kigo.BuildPending {
			continue
		}
		if err := c.endBuild(&b, "The app was destroyed"); err != nil {
			return err
		}
	}
	return c.failReleases(id)
}

// failReleases ends the release phases of an app that is being destroyed.
func (c *change) failReleases(id kigo.AppID) error {
	releases, err := c.Releases(id)
	if err != nil {
		return err
	}
	for _, r := range releases {
		if r.Status != kigo.ReleasePending {
			continue
		}
		r.Status = kigo.ReleaseFailed
		if err := errors.Join(c.UpdateRelease(&r), c.emit("release.update", id, string(r.ID), nil)); err != nil {
			return err
		}
	}
	return nil
}

// FinishDestroy removes the rows of a destroyed app, once its dynos, repository
// and slugs are gone. An app that is gone already is no error.
func (c *Control) FinishDestroy(ctx context.Context, id kigo.AppID) error {
	return c.update(ctx, Actor{}, func(tx *change) error {
		app, err := tx.App(id)
		if errors.Is(err, kigo.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if !app.Destroying {
			return fmt.Errorf("finish destroying %s: nobody destroyed it", app.Name)
		}
		return tx.DeleteApp(id)
	})
}

// checkName refuses a name that another app has, or had and is kept for it.
func (c *change) checkName(name string, self kigo.AppID, owner kigo.AccountID) error {
	taken := kigo.Invalid("Name %s is already taken", name)
	app, err := c.FindApp(name)
	if err == nil && app.ID != self {
		return taken
	}
	if err != nil && !errors.Is(err, kigo.ErrNotFound) {
		return err
	}
	former, err := c.FormerName(name)
	if errors.Is(err, kigo.ErrNotFound) || err == nil && (former.Owner == c.actor.ID || former.Owner == owner) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = c.FindFormerName(name)
	switch {
	case err == nil, errors.Is(err, kigo.ErrNotFound) && c.Now().Sub(former.At) < NameHold:
		return taken
	case errors.Is(err, kigo.ErrNotFound):
		return nil
	}
	return err
}

func (c *change) freeName() (string, error) {
	for range 20 {
		name := kigo.GenerateAppName()
		err := c.checkName(name, "", "")
		if !errors.Is(err, kigo.ErrInvalid) {
			return name, err
		}
	}
	return "", errors.New("generate app name: all that were tried are taken")
}

func (c *Control) hostname(app string) string {
	domain := c.Domain
	if domain == "" {
		domain = "localhost"
	}
	return app + "." + domain
}

func (c *Control) stack(name string) (string, error) {
	return choose("stack", name, c.Stacks, DefaultStack)
}

// choose returns a name among those that exist; the first one when it is empty.
func choose(noun, name string, known []string, fallback string) (string, error) {
	if len(known) == 0 {
		known = []string{fallback}
	}
	switch {
	case name == "":
		return known[0], nil
	case slices.Contains(known, name):
		return name, nil
	}
	e := kigo.NotFound(noun)
	e.Message = fmt.Sprintf("Couldn't find that %s: %s. Here there is %s.", noun, name, strings.Join(known, ", "))
	return "", e
}

func onOff(on bool) string {
	if on {
		return "enabled"
	}
	return "disabled"
}
