package control

import (
	"context"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/kigo-dev/kigo"
)

// SetConfig changes config vars: a value sets, nil removes. It answers with all of
// the app's vars, and with the new release when anything changed.
func (c *Control) SetConfig(ctx context.Context, a Actor, id kigo.AppID, vars map[string]*string) (all kigo.ConfigVars, r *kigo.Release, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		app, err := tx.app(id)
		if err != nil {
			return err
		}
		if all, err = tx.ConfigVars(id); err != nil {
			return err
		}
		set, removed, err := apply(all, vars)
		if err != nil || len(set)+len(removed) == 0 {
			return err
		}
		slug, err := tx.newestCode(id)
		if err != nil {
			return err
		}
		description := describe(set, removed)
		tx.byf(id, "%s", description)
		made, err := tx.release(&app, newRelease{slug: slug, description: description, vars: all})
		if err != nil {
			return err
		}
		r = &made
		return tx.emit("config.update", id, string(made.ID), map[string][]string{"set": set, "removed": removed})
	})
	return all, r, err
}

// apply changes all and says which names were set and removed, sorted. What is so
// already is no change.
func apply(all kigo.ConfigVars, vars map[string]*string) (set, removed []string, err error) {
	given := kigo.ConfigVars{} // names are checked also of vars to be removed
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		value := vars[name]
		old, had := all[name]
		switch {
		case value == nil:
			given[name] = ""
			if had {
				delete(all, name)
				removed = append(removed, name)
			}
		case !utf8.ValidString(*value):
			return nil, nil, kigo.Invalid("The value of config var %q is not valid UTF-8", name)
		case !had || old != *value:
			given[name], all[name] = *value, *value
			set = append(set, name)
		}
	}
	if err := kigo.ValidateConfigVars(given); err != nil {
		return nil, nil, err
	}
	return set, removed, kigo.ValidateConfigVars(all)
}

// describe is Heroku's description of the release.
func describe(set, removed []string) string {
	switch {
	case len(removed) == 0:
		return "Set " + strings.Join(set, ", ") + " config vars"
	case len(set) == 0:
		return "Remove " + strings.Join(removed, ", ") + " config vars"
	}
	return "Set " + strings.Join(set, ", ") + ", remove " + strings.Join(removed, ", ") + " config vars"
}
