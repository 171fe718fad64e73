package control

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/secret"
)

// NewSetup is an app that shall be made of a source with an app.json.
type NewSetup struct {
	App        NewApp
	Source     kigo.Source
	Env        kigo.ConfigVars // over the file's values
	Buildpacks []string        // instead of the file's
}

// CreateSetup makes the app, empty, and what shall become of it. The set-up loop
// takes it from there.
func (c *Control) CreateSetup(ctx context.Context, a Actor, n NewSetup) (s kigo.Setup, app kigo.App, err error) {
	_, err = parseBuildpacks(n.Buildpacks)
	if err = errors.Join(n.App.check(c), checkSource(n.Source), kigo.ValidateConfigVars(n.Env), err); err != nil {
		if e, ok := kigo.AsError(err); ok {
			err = e
		}
		return s, app, err
	}
	err = c.update(ctx, a, func(tx *change) error {
		if app, err = tx.newApp(n.App); err != nil {
			return err
		}
		s = kigo.Setup{App: app.ID, User: a.ID, UserEmail: a.Email, Status: kigo.SetupPending, Source: n.Source, Env: n.Env, Buildpacks: n.Buildpacks}
		if err := tx.CreateSetup(&s); err != nil {
			return err
		}
		tx.byf(app.ID, "Setup started")
		return tx.emit("setup.create", app.ID, s.ID, nil)
	})
	return s, app, err
}

// setup runs f on a set-up that has not ended, as the user who asked for it. One
// that has ended, or is gone with its app, is no error and not changed.
func (c *Control) setup(ctx context.Context, id string, f func(*change, *kigo.Setup, *kigo.App) error) error {
	return c.update(ctx, Actor{}, func(tx *change) error {
		s, err := tx.Setup(id)
		if errors.Is(err, kigo.ErrNotFound) || err == nil && s.Status != kigo.SetupPending {
			return nil
		}
		if err != nil {
			return err
		}
		tx.actor = Actor{ID: s.User, Email: s.UserEmail}
		app, err := tx.App(s.App)
		if err != nil {
			return err
		}
		if app.Destroying {
			s.Status, s.Failure = kigo.SetupFailed, "the app was destroyed"
		} else if err := f(tx, &s, &app); err != nil {
			return err
		}
		if err := tx.UpdateSetup(&s); err != nil {
			return err
		}
		return tx.emit("setup.update", app.ID, s.ID, map[string]string{"status": string(s.Status)})
	})
}

// BeginSetup does what a source's app.json says before its build, and asks for the
// build, all at once. What is wrong with the file ends the set-up.
func (c *Control) BeginSetup(ctx context.Context, id, text string) error {
	return c.setup(ctx, id, func(tx *change, s *kigo.Setup, app *kigo.App) error {
		if s.Build != "" {
			return nil
		}
		file, err := kigo.ParseAppJSON([]byte(text))
		if err != nil {
			tx.endSetup(s, "invalid app.json", err.Error())
			return nil
		}
		vars, packs, problems := prepareSetup(s, file)
		if len(problems) > 0 {
			tx.endSetup(s, "invalid app.json", problems...)
			return nil
		}
		s.AppJSON = text
		if slices.Contains(c.Stacks, file.Stack) && file.Stack != app.BuildStack {
			if err := tx.setStack(app, file.Stack); err != nil {
				return err
			}
			if err := tx.UpdateApp(app); err != nil {
				return err
			}
		}
		if len(vars) > 0 {
			names := slices.Sorted(maps.Keys(vars))
			tx.byf(app.ID, "%s", describe(names, nil))
			r, err := tx.release(app, newRelease{description: describe(names, nil), vars: vars})
			if err != nil {
				return err
			}
			if err := tx.emit("config.update", app.ID, string(r.ID), map[string][]string{"set": names}); err != nil {
				return err
			}
		}
		if err := tx.SetBuildpackInstallations(app.ID, packs); err != nil {
			return err
		}
		b, err := tx.newBuild(*app, s.Source, packs)
		s.Build = b.ID
		return err
	})
}

// prepareSetup says which config vars and buildpacks an app begins with, or every
// reason why it cannot.
func prepareSetup(s *kigo.Setup, file kigo.AppJSON) (kigo.ConfigVars, []kigo.BuildpackInstallation, []string) {
	var problems []string
	vars := kigo.ConfigVars{}
	for _, name := range slices.Sorted(maps.Keys(file.Env)) {
		spec := file.Env[name]
		given, ok := s.Env[name]
		switch {
		case ok:
			vars[name] = given
		case spec.HasValue:
			vars[name] = spec.Value
		case spec.Secret:
			vars[name] = secret.NewCapability() + secret.NewCapability()
		case spec.Required:
			problems = append(problems, "config var "+name+" is required: give it a value with the set-up")
		}
	}
	for name, value := range s.Env {
		vars[name] = value
	}
	if err := kigo.ValidateConfigVars(vars); err != nil {
		problems = append(problems, err.Error())
	}
	for _, a := range file.Addons {
		if !a.Optional {
			problems = append(problems, "add-on "+a.Plan+" cannot be had: add-ons are not provided yet. Set the config vars that it would set, and write \"optional\": true beside its plan")
		}
	}
	names := s.Buildpacks
	if len(names) == 0 {
		names = file.Buildpacks
	}
	packs, err := parseBuildpacks(names)
	if err != nil {
		problems = append(problems, err.Error())
	}
	return vars, packs, problems
}

// ScaleSetup gives an app whose first release is current the formation of its
// app.json, and runs the postdeploy script or, without one, ends the set-up.
func (c *Control) ScaleSetup(ctx context.Context, id string) error {
	room := c.room()
	return c.setup(ctx, id, func(tx *change, s *kigo.Setup, app *kigo.App) error {
		if s.Postdeploy != "" {
			return nil
		}
		file, err := kigo.ParseAppJSON([]byte(s.AppJSON))
		if err != nil {
			return err
		}
		if problem, err := tx.setUpFormation(app.ID, file); err != nil || problem != "" {
			tx.endSetup(s, "invalid app.json", problem)
			return err
		}
		if file.Scripts.Postdeploy.Command == "" {
			s.Status = kigo.SetupSucceeded
			tx.byf(app.ID, "Setup succeeded")
			return nil
		}
		current, err := tx.CurrentRelease(app.ID)
		if err != nil {
			return err
		}
		script := file.Scripts.Postdeploy
		d := kigo.Dyno{App: app.ID, Release: current.ID, Version: current.Version, Type: kigo.PostdeployType, OneOff: true, TTL: kigo.PostdeployLimit}
		if err := tx.fillOneOff(&d, NewDyno{Command: script.Command, Size: script.Size}, current.Slug, room); err != nil {
			if e, ok := kigo.AsError(err); ok {
				tx.endSetup(s, "invalid app.json", "app.json: scripts.postdeploy: "+e.Message)
				return nil
			}
			return err
		}
		if err := tx.CreateDyno(&d); err != nil {
			return err
		}
		s.Postdeploy = d.ID
		tx.byf(app.ID, "Starting process with command `%s`", script.Command)
		return tx.emit("dyno.create", app.ID, string(d.ID), nil)
	})
}

// setUpFormation scales the process types that the app has. A type that it does
// not have is a problem of the file unless it wants none of it.
func (c *change) setUpFormation(app kigo.AppID, file kigo.AppJSON) (problem string, err error) {
	all, err := c.Formations(app)
	if err != nil {
		return "", err
	}
	var changed []int
	for _, typ := range slices.Sorted(maps.Keys(file.Formation)) {
		want := file.Formation[typ]
		i := slices.IndexFunc(all, func(f kigo.Formation) bool { return f.Type == typ })
		if i < 0 && want.Quantity == 0 || typ == releaseType {
			continue
		}
		if i < 0 {
			return "app.json: formation." + typ + ": the app has no such process type", nil
		}
		all[i].Quantity = want.Quantity
		if want.Size != "" {
			all[i].Size = want.Size
		}
		changed = append(changed, i)
	}
	if mixed := checkMix(all); mixed != nil {
		return "app.json: formation: " + mixed.Error(), nil //nolint:nilerr // the file is at fault, not the step
	}
	for _, i := range changed {
		if err := errors.Join(c.PutFormation(&all[i]), c.emit("formation.update", app, all[i].Type, nil)); err != nil {
			return "", err
		}
	}
	if len(changed) > 0 {
		c.byf(app, "Scaled to %s", scaled(all))
	}
	return "", nil
}

// FinishSetup ends a set-up: it failed for a reason, or its script ended with a
// status. The script's dyno is forgotten.
func (c *Control) FinishSetup(ctx context.Context, id, failure string, exit *int) error {
	return c.setup(ctx, id, func(tx *change, s *kigo.Setup, app *kigo.App) error {
		s.ExitCode = exit
		switch {
		case failure != "":
			tx.endSetup(s, failure)
		case exit != nil && *exit != 0:
			tx.endSetup(s, "postdeploy exit code was not 0")
		default:
			s.Status = kigo.SetupSucceeded
			tx.byf(app.ID, "Setup succeeded")
		}
		if s.Postdeploy == "" {
			return nil
		}
		if err := tx.DeleteDyno(s.Postdeploy); err != nil && !errors.Is(err, kigo.ErrNotFound) {
			return err
		}
		return tx.emit("dyno.delete", app.ID, string(s.Postdeploy), nil)
	})
}

func (c *change) endSetup(s *kigo.Setup, failure string, problems ...string) {
	s.Status, s.Failure, s.Errors = kigo.SetupFailed, failure, problems
	if len(problems) == 0 {
		c.logf(s.App, "Setup failed: %s", failure)
	}
	for _, p := range problems {
		c.logf(s.App, "Setup failed: %s", p)
	}
}
