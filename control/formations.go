package control

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/kigo-dev/kigo"
)

// FormationChange changes what is not nil of one process type.
type FormationChange struct {
	Type     string
	Quantity *int
	Relative bool // Quantity is added to the present one ("web+1")
	Size     *string
}

// Scale changes process types, all of them or none. It returns the app's whole
// formation.
func (c *Control) Scale(ctx context.Context, a Actor, id kigo.AppID, changes []FormationChange) (all []kigo.Formation, err error) {
	room := c.room()
	err = c.update(ctx, a, func(tx *change) error {
		if _, err := tx.app(id); err != nil {
			return err
		}
		before, err := tx.Formations(id)
		if err != nil {
			return err
		}
		all = slices.Clone(before)
		for _, ch := range changes {
			if err := ch.apply(all); err != nil {
				return err
			}
		}
		follow(all, changes)
		if err := checkMix(all); err != nil {
			return err
		}
		for i, f := range all {
			if f.Size != before[i].Size || f.Quantity > before[i].Quantity {
				if err := room.check(f.Type, f.Size); err != nil {
					return err
				}
			}
		}
		for i := range all {
			if all[i] == before[i] {
				continue
			}
			if err := tx.PutFormation(&all[i]); err != nil {
				return err
			}
			if err := tx.emit("formation.update", id, all[i].Type, nil); err != nil {
				return err
			}
		}
		if len(changes) > 0 {
			tx.byf(id, "Scaled to %s", scaled(all))
		}
		return nil
	})
	return all, err
}

// Room tells why no dyno of a size could ever start on what the machine has.
type Room func(kigo.Size) error

// room asks the machine, which reads files: before a transaction, not in it.
func (c *Control) room() Room {
	if c.Room == nil {
		return func(kigo.Size) error { return nil }
	}
	return c.Room()
}

// check refuses a size that could never start.
func (fits Room) check(typ, size string) error {
	s, err := kigo.FindSize(size)
	if err != nil {
		return err
	}
	if err := fits(s); err != nil {
		return kigo.Invalid("Cannot run %s as %s: %s. Choose a smaller size.", typ, s.Name, err)
	}
	return nil
}

// apply makes one change in the formation.
func (ch FormationChange) apply(all []kigo.Formation) error {
	i := slices.IndexFunc(all, func(f kigo.Formation) bool { return f.Type == ch.Type })
	if i < 0 {
		return noType(ch.Type)
	}
	f := &all[i]
	if ch.Size != nil {
		size, err := kigo.FindSize(*ch.Size)
		if err != nil {
			return err
		}
		f.Size = size.Name
	}
	if ch.Quantity == nil {
		return nil
	}
	n := *ch.Quantity
	if n > kigo.MaxQuantity || n < -kigo.MaxQuantity {
		return tooMany(ch.Type, n)
	}
	if ch.Relative {
		n += f.Quantity
	}
	switch {
	case n < 0:
		return kigo.Invalid("Cannot scale %s to %d: the quantity must not be negative.", ch.Type, n)
	case n > kigo.MaxQuantity:
		return tooMany(ch.Type, n)
	case n > 0 && ch.Type == releaseType:
		return kigo.Invalid("Cannot scale release: it runs once before each release, by itself.")
	}
	f.Quantity = n
	return nil
}

func tooMany(typ string, n int) error {
	return kigo.Invalid("Cannot scale %s to %d: the quantity must not be more than %d.", typ, n, kigo.MaxQuantity)
}

func noType(typ string) error {
	return &kigo.Error{ID: kigo.IDNotFound, Resource: "process type", Message: "Couldn't find that process type (" + typ + ")."}
}

// exclusive are the sizes that all of an app's dynos have or none (Heroku's
// documentation of dyno types).
var exclusive = []string{"Eco", "Basic"}

// tier is the group of sizes that one app may mix.
func tier(size string) string {
	if slices.Contains(exclusive, size) {
		return size
	}
	return "professional"
}

// follow takes types without dynos along when the size of another changes its
// tier: nothing of theirs runs, and they could not be scaled up afterwards.
func follow(all []kigo.Formation, changes []FormationChange) {
	size := ""
	asked := map[string]bool{}
	for _, ch := range changes {
		if ch.Size != nil {
			asked[ch.Type] = true
		}
	}
	for _, f := range all {
		if asked[f.Type] {
			size = f.Size
		}
	}
	if size == "" {
		return
	}
	for i, f := range all {
		if !asked[f.Type] && f.Quantity == 0 && tier(f.Size) != tier(size) {
			all[i].Size = size
		}
	}
}

// checkMix refuses Eco or Basic dynos beside others in one app.
func checkMix(all []kigo.Formation) error {
	var first kigo.Formation
	for _, f := range all {
		switch {
		case f.Quantity == 0:
		case first.Type == "":
			first = f
		case tier(f.Size) != tier(first.Size):
			return kigo.Invalid("Cannot mix %s (%s) and %s (%s) dynos in one app: Eco and Basic stand alone. Change all types at once, such as with ps:type %s.",
				first.Size, first.Type, f.Size, f.Type, strings.ToLower(f.Size))
		}
	}
	return nil
}

// scaled is the formation as the log shows it: "web@3:Basic worker@2:Basic".
func scaled(all []kigo.Formation) string {
	var parts []string
	for _, f := range all {
		if f.Type != releaseType {
			parts = append(parts, fmt.Sprintf("%s@%d:%s", f.Type, f.Quantity, f.Size))
		}
	}
	return strings.Join(parts, " ")
}

// ensureFormation makes the process types those of a slug that has become
// current. A new web starts with one dyno, any other type with none; a type that
// the slug does not have any more goes, and its dynos with it; dropped are those as they were.
func (c *change) ensureFormation(app kigo.App, slug kigo.Slug) (dropped []kigo.Formation, err error) {
	have, err := c.Formations(app.ID)
	if err != nil {
		return nil, err
	}
	size, grown := usualSize(have), false
	for _, f := range have {
		if _, ok := slug.ProcessTypes[f.Type]; ok {
			continue
		}
		dropped = append(dropped, kigo.Formation{Type: f.Type, Quantity: f.Quantity, Size: f.Size})
		if err := c.DeleteFormation(app.ID, f.Type); err != nil {
			return nil, err
		}
		if err := c.emit("formation.update", app.ID, f.Type, nil); err != nil {
			return nil, err
		}
	}
	for typ, command := range slug.ProcessTypes {
		f := kigo.Formation{App: app.ID, Type: typ, Size: size}
		i := slices.IndexFunc(have, func(f kigo.Formation) bool { return f.Type == typ })
		if i >= 0 {
			f = have[i]
		} else if typ == "web" {
			f.Quantity, grown = 1, true
		}
		if i >= 0 && f.Command == command {
			continue
		}
		f.Command = command
		if err := c.PutFormation(&f); err != nil {
			return nil, err
		}
		if err := c.emit("formation.update", app.ID, typ, nil); err != nil {
			return nil, err
		}
	}
	if !grown {
		return dropped, nil
	}
	all, err := c.Formations(app.ID)
	c.byf(app.ID, "Scaled to %s", scaled(all))
	return dropped, err
}

// regain gives process types that releases newer than r dropped back the quantity that
// they had when r ran. They do so once: later it would undo what was scaled since.
func (c *change) regain(app kigo.AppID, r *kigo.Release) error {
	releases, err := c.Releases(app) // newest first: what the oldest dropped counts
	if err != nil {
		return err
	}
	lost := map[string]kigo.Formation{}
	for _, newer := range releases {
		if newer.Version <= r.Version || len(newer.Dropped) == 0 {
			continue
		}
		for _, f := range newer.Dropped {
			lost[f.Type] = f
		}
		newer.Dropped = nil
		if err := c.UpdateRelease(&newer); err != nil {
			return err
		}
	}
	all, err := c.Formations(app)
	if err != nil {
		return err
	}
	for i := range all {
		was, ok := lost[all[i].Type]
		if !ok || all[i].Quantity > 0 || was.Quantity == 0 {
			continue
		}
		size := all[i].Size
		all[i].Quantity, all[i].Size = was.Quantity, was.Size
		if checkMix(all) != nil {
			all[i].Size = size
		}
		if err := c.PutFormation(&all[i]); err != nil {
			return err
		}
		if err := c.emit("formation.update", app, was.Type, nil); err != nil {
			return err
		}
	}
	return nil
}

// ensureReleaseType shows the release phase among the process types before it has
// succeeded once, so that its size can be set and it can be tried again.
func (c *change) ensureReleaseType(app kigo.AppID, slug kigo.Slug) error {
	have, err := c.Formations(app)
	if err != nil || slices.ContainsFunc(have, func(f kigo.Formation) bool { return f.Type == releaseType }) {
		return err
	}
	f := kigo.Formation{App: app, Type: releaseType, Size: usualSize(have), Command: slug.ProcessTypes[releaseType]}
	if err := c.PutFormation(&f); err != nil {
		return err
	}
	return c.emit("formation.update", app, releaseType, nil)
}

// usualSize is what a new process type's dynos are: what the app's web is, or else
// any other, so that they may be mixed.
func usualSize(have []kigo.Formation) string {
	size := kigo.DefaultSize
	for _, f := range have {
		if f.Type == "web" {
			return f.Size
		}
		if f.Quantity > 0 || size == kigo.DefaultSize {
			size = f.Size
		}
	}
	return size
}
