package control

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/secret"
)

// NewDyno is a one-off.
type NewDyno struct {
	Command string // a command line, or a process type with or without arguments
	Env     map[string]string
	Attach  bool
	NoTTY   bool
	Size    string        // empty: what suits the app
	Type    string        // empty: "run"
	TTL     time.Duration // 0: until it ends
}

// RunDyno starts a one-off on the current release. The answer has its
// Attach.Secret when Attach is wanted, the only time that it is told.
func (c *Control) RunDyno(ctx context.Context, a Actor, id kigo.AppID, n NewDyno) (d kigo.Dyno, err error) {
	if err := n.check(); err != nil {
		return d, err
	}
	room := c.room()
	err = c.update(ctx, a, func(tx *change) error {
		app, err := tx.app(id)
		if err != nil {
			return err
		}
		current, err := tx.CurrentRelease(id)
		if errors.Is(err, kigo.ErrNotFound) || err == nil && current.Slug == "" {
			return kigo.Invalid("%s has no code to run yet: push some first.", app.Name)
		}
		if err != nil {
			return err
		}
		d = kigo.Dyno{App: id, Release: current.ID, Version: current.Version, Type: n.Type, OneOff: true, Env: n.Env, TTL: n.TTL}
		if d.Type == "" {
			d.Type = "run"
		}
		if n.Attach {
			d.Attach = kigo.Attach{Wanted: true, NoTTY: n.NoTTY, Secret: secret.NewCapability(), By: a.ID, Authorization: a.Authorization}
		}
		if err := tx.fillOneOff(&d, n, current.Slug, room); err != nil {
			return err
		}
		if err := tx.CreateDyno(&d); err != nil {
			return err
		}
		tx.byf(id, "Starting process with command `%s`", n.Command)
		return tx.emit("dyno.create", id, string(d.ID), nil)
	})
	return d, err
}

func (n NewDyno) check() error {
	if strings.TrimSpace(n.Command) == "" {
		return kigo.Invalid("command is required: what shall the dyno run?")
	}
	if err := checkText("Command", n.Command, kigo.MaxCommand); err != nil {
		return err
	}
	if n.Type != "" && !kigo.ValidProcessType(n.Type) {
		return kigo.Invalid("%q is not a process type: use letters, digits, dashes and underscores, at most 63", n.Type)
	}
	if n.Type == releaseType {
		return kigo.Invalid("release cannot be the type of a one-off dyno: it is kept for release phases")
	}
	if n.Type == kigo.PostdeployType {
		return kigo.Invalid("postdeploy cannot be the type of a one-off dyno: it is kept for the scripts of app.json")
	}
	if n.TTL < 0 {
		return kigo.Invalid("time_to_live must be a positive number of seconds")
	}
	for name, value := range n.Env {
		if err := checkText("The value of "+name, value, kigo.MaxConfigBytes); err != nil {
			return err
		}
	}
	return kigo.ValidateConfigVars(n.Env)
}

// fillOneOff decides the command, the number and, unless it runs inside another, the size.
func (c *change) fillOneOff(d *kigo.Dyno, n NewDyno, slugID kigo.SlugID, room Room) error {
	slug, err := c.Slug(slugID)
	if err != nil {
		return err
	}
	d.Command = expand(n.Command, slug.ProcessTypes)
	if d.Inside == "" {
		formation, err := c.Formations(d.App)
		if err != nil {
			return err
		}
		if d.Size, err = oneOffSize(n.Size, formation); err != nil {
			return err
		}
		if err := room.check(d.Type, d.Size); err != nil {
			return err
		}
	}
	dynos, err := c.Dynos(d.App)
	if err != nil {
		return err
	}
	d.Number, err = freeNumber(d.Type, dynos)
	return err
}

// expand turns "worker --once" into the command of the slug's worker and --once.
func expand(command string, types map[string]string) string {
	first, rest, _ := strings.Cut(strings.TrimSpace(command), " ")
	if full, ok := types[first]; ok {
		return strings.TrimSpace(full + " " + rest)
	}
	return command
}

// oneOffSize checks a size against the app's tier, or chooses one: that of web, and
// no dedicated machine unasked.
func oneOffSize(asked string, formation []kigo.Formation) (string, error) {
	usual := usualSize(formation)
	if asked == "" {
		if tier(usual) == "professional" {
			return "Standard-1X", nil
		}
		return usual, nil
	}
	size, err := kigo.FindSize(asked)
	if err != nil {
		return "", err
	}
	formation = append(slices.Clone(formation), kigo.Formation{Type: "run", Quantity: 1, Size: size.Name})
	return size.Name, checkMix(formation)
}

// freeNumber is a random number from 1000 to 9999 that no dyno of the type has.
func freeNumber(typ string, dynos []kigo.Dyno) (int, error) {
	used := map[int]bool{}
	for _, d := range dynos {
		used[d.Number] = used[d.Number] || d.Type == typ
	}
	for range 1000 {
		if n := 1000 + rand.IntN(9000); !used[n] {
			return n, nil
		}
	}
	return 0, kigo.Invalid("Too many %s dynos: stop some first.", typ)
}

// RestartDynos stops dynos so that the formation starts new ones. Which is empty
// for the whole formation, or a dyno's name or id, or a process type. One-offs are restarted by no
// one: only naming one stops it.
func (c *Control) RestartDynos(ctx context.Context, a Actor, id kigo.AppID, which string) error {
	return c.update(ctx, a, func(tx *change) error {
		dynos, err := tx.pick(id, which)
		if err != nil {
			return err
		}
		if !isDyno(which, dynos) {
			dynos = slices.DeleteFunc(dynos, func(d kigo.Dyno) bool { return d.OneOff })
		}
		return tx.restart(id, dynos)
	})
}

// restart stops dynos to have them replaced. With the preboot feature, web dynos serve
// until their replacements do.
func (c *change) restart(app kigo.AppID, dynos []kigo.Dyno) error {
	preboot, err := c.FeatureEnabled(app, "preboot")
	if err != nil {
		return err
	}
	for _, d := range dynos {
		switch {
		case d.Stop:
			continue
		case d.OneOff:
			err = c.StopDyno(d.ID)
		case preboot && d.Type == "web" && d.State == kigo.DynoUp:
			err = c.RetireDyno(d.ID, "Restarting")
		default:
			err = c.StopDynoSaying(d.ID, "Restarting")
		}
		if err := errors.Join(err, c.emit("dyno.stop", d.App, string(d.ID), nil)); err != nil {
			return err
		}
	}
	return nil
}

// StopDynos stops a dyno by its name or id, or all of a process type, one-offs too.
// What belongs to the formation starts again: scale it down to keep it away.
func (c *Control) StopDynos(ctx context.Context, a Actor, id kigo.AppID, which string) error {
	if which == "" {
		return kigo.Invalid("Name the dyno or process type to stop")
	}
	return c.update(ctx, a, func(tx *change) error {
		dynos, err := tx.pick(id, which)
		if err != nil {
			return err
		}
		return tx.stop(dynos)
	})
}

// pick returns the dynos that a user means.
func (c *change) pick(id kigo.AppID, which string) ([]kigo.Dyno, error) {
	if _, err := c.app(id); err != nil {
		return nil, err
	}
	dynos, err := c.Dynos(id)
	if err != nil || which == "" {
		return dynos, err
	}
	picked := slices.DeleteFunc(slices.Clone(dynos), func(d kigo.Dyno) bool {
		return which != d.Type && which != d.Name() && which != string(d.ID)
	})
	if len(picked) > 0 {
		return picked, nil
	}
	if _, err := c.Formation(id, which); err == nil {
		return nil, nil // a type without dynos
	}
	if strings.Contains(which, ".") || !kigo.ValidProcessType(which) || len(which) == 36 {
		return nil, kigo.NotFound("dyno")
	}
	return nil, noType(which)
}

// isDyno says whether dynos were picked by name or id, not by type.
func isDyno(which string, dynos []kigo.Dyno) bool {
	return len(dynos) > 0 && which != "" && which != dynos[0].Type
}

// stop asks for dynos to be stopped, each once.
func (c *change) stop(dynos []kigo.Dyno) error {
	for _, d := range dynos {
		if d.Stop {
			continue
		}
		if err := errors.Join(c.StopDyno(d.ID), c.emit("dyno.stop", d.App, string(d.ID), nil)); err != nil {
			return err
		}
	}
	return nil
}
