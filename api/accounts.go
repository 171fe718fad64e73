package api

import (
	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/store"
)

// Accounts of others are the operators' business. Heroku has no such calls: people
// sign up there.

func accountList(c *call) (reply, error) {
	var all []kigo.Account
	err := c.view(func(tx *store.Tx) (err error) {
		if err := control.CheckOperator(tx, c.actor); err != nil {
			return err
		}
		all, err = tx.Accounts()
		return err
	})
	if err != nil {
		return reply{}, err
	}
	return page(c, all, each(serializeAccount), textKey("id", func(a kigo.Account) string { return string(a.ID) }))
}

func accountCreate(c *call) (reply, error) {
	var in struct {
		Email    *string `json:"email"`
		Name     *string `json:"name"`
		Password *string `json:"password"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	a, token, err := ctrl(c).CreateAccount(c.ctx(), c.actor, control.NewAccount{Email: value(in.Email), Name: value(in.Name), Password: value(in.Password)})
	return created(client.NewAccount{Account: serializeAccount(a), Token: token}), err
}
