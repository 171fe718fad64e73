package control

import (
	"context"
	"regexp"
	"slices"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/secret"
	"github.com/kigo-dev/kigo/store"
)

// inputName is what an input may be called: it is shown as the process of lines.
var inputName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,29}$`)

// reservedInputs are processes whose lines only the platform writes.
var reservedInputs = map[string]bool{"api": true, "logplex": true, "router": true, kigo.LogShuttle: true}

// AddLogInput lets somebody write into an app's log with the token that is returned.
func (c *Control) AddLogInput(ctx context.Context, a Actor, id kigo.AppID, name string) (in kigo.LogInput, token string, err error) {
	switch {
	case !inputName.MatchString(name):
		return in, "", kigo.Invalid("Name is invalid: %q must begin with a letter and hold only small letters, digits and dashes, 30 at most.", name)
	case reservedInputs[name]:
		return in, "", kigo.Invalid("Name is invalid: lines of %q come from the platform alone.", name)
	}
	token = "t." + secret.NewCapability()
	in = kigo.LogInput{App: id, Name: name}
	err = c.update(ctx, a, func(tx *change) error {
		app, err := tx.app(id)
		if err != nil {
			return err
		}
		have, err := tx.LogInputs(id)
		if err != nil {
			return err
		}
		if len(have) >= kigo.MaxLogInputs {
			return kigo.Invalid("%s has %d log inputs, and more are not possible: remove one first.", app.Name, len(have))
		}
		if slices.ContainsFunc(have, func(other kigo.LogInput) bool { return other.Name == name }) {
			return kigo.Conflict("%s has a log input called %s already.", app.Name, name)
		}
		if err := tx.CreateLogInput(&in, secret.HashToken(token)); err != nil {
			return err
		}
		tx.byf(id, "Add log input %s", name)
		return tx.emit("loginput.create", id, in.ID, map[string]string{"name": name})
	})
	return in, token, err
}

// RemoveLogInput ends an input, named by its id or name.
func (c *Control) RemoveLogInput(ctx context.Context, a Actor, id kigo.AppID, which string) (in kigo.LogInput, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		if _, err := tx.app(id); err != nil {
			return err
		}
		have, err := tx.LogInputs(id)
		if err != nil {
			return err
		}
		for _, in = range have {
			if in.ID != which && in.Name != which {
				continue
			}
			if err := tx.DeleteLogInput(in.ID); err != nil {
				return err
			}
			tx.byf(id, "Remove log input %s", in.Name)
			return tx.emit("loginput.delete", id, in.ID, map[string]string{"name": in.Name})
		}
		return kigo.NotFound("log input")
	})
	return in, err
}

// LogInput finds who writes with that token; kigo.ErrNotFound when nobody may.
func (c *Control) LogInput(ctx context.Context, token string) (in kigo.LogInput, err error) {
	err = c.Store.View(ctx, func(tx *store.Tx) error {
		if in, err = tx.LogInputByToken(secret.HashToken(token)); err != nil {
			return err
		}
		app, err := tx.App(in.App)
		if err == nil && app.Destroying {
			return kigo.NotFound("log input")
		}
		return err
	})
	return in, err
}

// SetLogRetention changes how much of an app's log is kept.
func (c *Control) SetLogRetention(ctx context.Context, a Actor, id kigo.AppID, r kigo.LogRetention) error {
	if err := r.Check(); err != nil {
		return err
	}
	return c.update(ctx, a, func(tx *change) error {
		if _, err := tx.app(id); err != nil {
			return err
		}
		if err := tx.SetLogRetention(id, r); err != nil {
			return err
		}
		tx.byf(id, "Keep %d log lines, %d bytes, %s", r.Lines, r.Bytes, age(r))
		return tx.emit("logretention.update", id, string(id), map[string]int64{"lines": int64(r.Lines), "bytes": r.Bytes, "age": int64(r.Age.Seconds())})
	})
}

func age(r kigo.LogRetention) string {
	if r.Age == 0 {
		return "however old"
	}
	return "for " + r.Age.String()
}
