package api

import (
	"encoding/json"
	"errors"
	"strconv"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/store"
)

func (c *call) serializeFormation(f kigo.Formation) client.Formation {
	return client.Formation{
		App:       appRef(c.app),
		Command:   f.Command,
		CreatedAt: second(f.CreatedAt),
		DynoSize:  fixedRef("dyno-size", f.Size),
		ID:        f.ID,
		Quantity:  f.Quantity,
		Size:      f.Size,
		Type:      f.Type,
		UpdatedAt: second(f.UpdatedAt),
	}
}

func (c *call) serializeFormations(all []kigo.Formation) []client.Formation {
	out := make([]client.Formation, len(all))
	for i, f := range all {
		out[i] = c.serializeFormation(f)
	}
	return out
}

func formationList(c *call) (reply, error) {
	var all []kigo.Formation
	err := c.view(func(tx *store.Tx) (err error) {
		all, err = tx.Formations(c.app.ID)
		return err
	})
	if err != nil {
		return reply{}, err
	}
	return page(c, all, each(c.serializeFormation),
		textKey("type", func(f kigo.Formation) string { return f.Type }),
		textKey("id", func(f kigo.Formation) string { return f.ID }))
}

func formationInfo(c *call) (reply, error) {
	f, err := c.formation()
	return ok(c.serializeFormation(f)), err
}

// formation finds {formation} of the path, by type or id.
func (c *call) formation() (f kigo.Formation, err error) {
	err = c.view(func(tx *store.Tx) error {
		f, err = tx.Formation(c.app.ID, c.param("formation"))
		return err
	})
	return f, err
}

// formationUpdateIn is one change: the size comes as "size", or as "dyno_size"
// with a name, an id or an object of either.
type formationUpdateIn struct {
	Type        *string         `json:"type"`
	Quantity    *quantity       `json:"quantity"`
	Size        *ident          `json:"size"`
	DynoSize    *ident          `json:"dyno_size"`
	DockerImage json.RawMessage `json:"docker_image"`
}

// quantity is a whole number: 3 or "3", or, as the command line sends it for
// web+1, "+1" and "-1", which change the present one.
type quantity struct {
	n        int
	relative bool
}

// UnmarshalJSON implements json.Unmarshaler.
func (q *quantity) UnmarshalJSON(data []byte) error {
	text := string(data)
	var quoted string
	if json.Unmarshal(data, &quoted) == nil {
		text = quoted
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return kigo.Invalid("Quantity %.40s is not valid: it must be a whole number from 0 to %d.", text, kigo.MaxQuantity)
	}
	q.n, q.relative = n, quoted != "" && (quoted[0] == '+' || quoted[0] == '-')
	return nil
}

func (in formationUpdateIn) change(typ string) (control.FormationChange, error) {
	ch := control.FormationChange{Type: typ}
	if in.Quantity != nil {
		ch.Quantity, ch.Relative = &in.Quantity.n, in.Quantity.relative
	}
	size := in.Size
	if in.DynoSize != nil {
		size = in.DynoSize
	}
	if size != nil {
		name := sizeName(size.String())
		ch.Size = &name
	}
	return ch, nil
}

func formationBatchUpdate(c *call) (reply, error) {
	var in struct {
		Updates *[]formationUpdateIn `json:"updates"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if in.Updates == nil {
		return reply{}, kigo.Invalid("updates is required: an array of objects with type, quantity and size.")
	}
	changes := []control.FormationChange{}
	images := map[string]json.RawMessage{}
	for i, u := range *in.Updates {
		typ := value(u.Type)
		if typ == "" {
			return reply{}, kigo.Invalid("updates[%d].type is required: a process type, such as web.", i)
		}
		typ, err := c.typeName(typ)
		if err != nil {
			return reply{}, err
		}
		ch, err := u.change(typ)
		if err != nil {
			return reply{}, err
		}
		changes = append(changes, ch)
		if u.DockerImage != nil {
			images[typ] = u.DockerImage
		}
	}
	if len(images) > 0 {
		if err := c.releaseImages(images); err != nil {
			return reply{}, err
		}
		if changes = scaling(changes); len(changes) == 0 {
			return c.formationNow()
		}
	}
	all, err := ctrl(c).Scale(c.ctx(), c.actor, c.app.ID, changes)
	return ok(c.serializeFormations(all)), err
}

// typeName turns a formation's id into its type; anything else stays as it is.
func (c *call) typeName(typeOrID string) (name string, err error) {
	name = typeOrID
	err = c.view(func(tx *store.Tx) error {
		f, err := tx.Formation(c.app.ID, typeOrID)
		if err == nil {
			name = f.Type
		} else if !errors.Is(err, kigo.ErrNotFound) {
			return err
		}
		return nil
	})
	return name, err
}

func formationUpdate(c *call) (reply, error) {
	var in formationUpdateIn
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if in.DockerImage != nil {
		return c.releaseImage(in.DockerImage)
	}
	f, err := c.formation()
	if err != nil {
		return reply{}, err
	}
	ch, err := in.change(f.Type)
	if err != nil {
		return reply{}, err
	}
	all, err := ctrl(c).Scale(c.ctx(), c.actor, c.app.ID, []control.FormationChange{ch})
	if err != nil {
		return reply{}, err
	}
	for _, changed := range all {
		if changed.Type == f.Type {
			f = changed
		}
	}
	return ok(c.serializeFormation(f)), nil
}
