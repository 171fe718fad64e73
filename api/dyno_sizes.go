package api

import (
	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
)

func serializeSize(s kigo.Size) client.DynoSize {
	return client.DynoSize{
		Architecture:     "amd64",
		Compute:          s.Compute,
		Cost:             &client.Cost{Cents: s.CentsMonth, Unit: "month"},
		Dedicated:        s.Dedicated,
		Generation:       fixedRef("generation", generation),
		ID:               fixedID("dyno-size", s.Name),
		Memory:           float64(s.Memory) / (1 << 30),
		Name:             s.Name,
		PreciseDynoUnits: float64(s.Compute),
	}
}

func dynoSizeList(c *call) (reply, error) {
	return page(c, kigo.Sizes, each(serializeSize),
		numberKey("memory", func(s kigo.Size) int { return int(s.Memory) }),
		textKey("id", func(s kigo.Size) string { return fixedID("dyno-size", s.Name) }),
		textKey("name", func(s kigo.Size) string { return s.Name }))
}

func dynoSizeInfo(c *call) (reply, error) {
	s, err := kigo.FindSize(sizeName(c.param("size")))
	if err != nil {
		return reply{}, kigo.NotFound("dyno size")
	}
	return ok(serializeSize(s)), nil
}

// sizeName turns a size's id into its name; anything else stays as it is.
func sizeName(idOrName string) string {
	for _, s := range kigo.Sizes {
		if idOrName == fixedID("dyno-size", s.Name) {
			return s.Name
		}
	}
	return idOrName
}
