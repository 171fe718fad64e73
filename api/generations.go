package api

import (
	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
)

// Generations are Heroku's platforms; this one is like cedar.

var onlyGeneration = client.Generation{CreatedAt: epoch, ID: fixedID("generation", generation), Name: generation, UpdatedAt: epoch}

func generationList(c *call) (reply, error) {
	return page(c, []client.Generation{onlyGeneration}, as, textKey("id", func(g client.Generation) string { return g.ID }))
}

func generationInfo(c *call) (reply, error) {
	if which := c.param("generation"); which != onlyGeneration.Name && which != onlyGeneration.ID {
		return reply{}, kigo.NotFound("generation")
	}
	return ok(onlyGeneration), nil
}

// delinquencyInfo is of an account that owes nothing, as all do.
func delinquencyInfo(*call) (reply, error) {
	return ok(client.Delinquency{}), nil
}

// permissionList is what collaborators may be given.
func permissionList(c *call) (reply, error) {
	return page(c, serializePermissions(kigo.Permissions), as, textKey("name", func(p client.Permission) string { return p.Name }))
}
