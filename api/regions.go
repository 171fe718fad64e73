package api

import (
	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/control"
)

// regions are the names that apps may be created with, the default first.
func (s *Server) regions() []string {
	if len(s.Control.Regions) > 0 {
		return s.Control.Regions
	}
	return []string{control.DefaultRegion}
}

// providerRegions are what the schema allows a region's provider to be called.
var providerRegions = map[string]string{"eu": "eu-west-1"}

func serializeRegion(name string) client.Region {
	where := providerRegions[name]
	if where == "" {
		where = "us-east-1"
	}
	return client.Region{
		Country: "This server", CreatedAt: epoch, Description: "This server", ID: fixedID("region", name), Locale: "Self-hosted",
		Name: name, Provider: client.Provider{Name: "kigo", Region: where}, UpdatedAt: epoch,
	}
}

func regionList(c *call) (reply, error) {
	var out []client.Region
	for _, name := range c.s.regions() {
		out = append(out, serializeRegion(name))
	}
	return page(c, out, as,
		textKey("name", func(r client.Region) string { return r.Name }),
		textKey("id", func(r client.Region) string { return r.ID }))
}

func regionInfo(c *call) (reply, error) {
	name := c.s.regionName(c.param("region"))
	for _, known := range c.s.regions() {
		if name == known {
			return ok(serializeRegion(name)), nil
		}
	}
	return reply{}, kigo.NotFound("region")
}
