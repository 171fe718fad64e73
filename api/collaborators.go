package api

import (
	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/store"
)

// ownerPermissions are what an app's owner may do, in Heroku's words.
var ownerPermissions = []client.Permission{
	{Name: "deploy", Description: "Can push new code to the app."},
	{Name: "manage", Description: "Can manage the app and its collaborators, and delete it."},
	{Name: "operate", Description: "Can manage config, run commands and restart the app."},
	{Name: "view", Description: "Can view the app."},
}

// collaborators of an app: its owner alone.
func (c *call) collaborators() ([]client.Collaborator, error) {
	var owner kigo.Account
	err := c.view(func(tx *store.Tx) (err error) {
		owner, err = tx.Account(c.app.Owner)
		return err
	})
	return []client.Collaborator{{
		App:         appRef(c.app),
		CreatedAt:   second(c.app.CreatedAt),
		ID:          fixedID("collaborator", string(c.app.ID)+"/"+string(owner.ID)),
		Permissions: ownerPermissions,
		Role:        optional("owner"),
		UpdatedAt:   second(c.app.CreatedAt),
		User:        client.CollaboratorUser{Email: owner.Email, ID: string(owner.ID)},
	}}, err
}

func collaboratorList(c *call) (reply, error) {
	all, err := c.collaborators()
	if err != nil {
		return reply{}, err
	}
	return page(c, all, as, textKey("id", func(v client.Collaborator) string { return v.ID }))
}

func collaboratorInfo(c *call) (reply, error) {
	all, err := c.collaborators()
	for _, one := range all {
		if which := c.param("collaborator"); err == nil && (which == one.ID || which == one.User.Email) {
			return ok(one), nil
		}
	}
	if err != nil {
		return reply{}, err
	}
	return reply{}, kigo.NotFound("collaborator")
}
