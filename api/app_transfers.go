package api

import (
	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/control"
)

func serializeTransfer(o control.Offer) client.AppTransfer {
	return client.AppTransfer{
		App:       client.Ref{ID: string(o.App), Name: o.AppName},
		CreatedAt: second(o.CreatedAt),
		ID:        o.ID,
		Owner:     userRef(o.Owner, o.OwnerEmail),
		Recipient: userRef(o.Recipient, o.RecipientEmail),
		State:     o.State,
		UpdatedAt: second(o.UpdatedAt),
	}
}

func appTransferList(c *call) (reply, error) {
	all, err := ctrl(c).Offers(c.ctx(), c.actor)
	if err != nil {
		return reply{}, err
	}
	return page(c, all, each(serializeTransfer), textKey("id", func(o control.Offer) string { return o.ID }))
}

func appTransferInfo(c *call) (reply, error) {
	all, err := ctrl(c).Offers(c.ctx(), c.actor)
	if err != nil {
		return reply{}, err
	}
	for _, o := range all {
		if which := c.param("transfer"); which == o.ID || which == o.AppName && o.State == kigo.TransferPending {
			return ok(serializeTransfer(o)), nil
		}
	}
	return reply{}, kigo.NotFound("app transfer")
}

func appTransferCreate(c *call) (reply, error) {
	var in struct {
		App       *ident  `json:"app"`
		Recipient *string `json:"recipient"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if in.App.String() == "" || value(in.Recipient) == "" {
		return reply{}, kigo.Invalid("app and recipient are required: the app's name, and the e-mail address of an account.")
	}
	if err := c.findApp(in.App.String()); err != nil {
		return reply{}, err
	}
	o, err := ctrl(c).OfferApp(c.ctx(), c.actor, c.app.ID, *in.Recipient)
	return created(serializeTransfer(o)), err
}

func appTransferUpdate(c *call) (reply, error) {
	var in struct {
		State *string `json:"state"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if s := value(in.State); s != kigo.TransferAccepted && s != kigo.TransferDeclined {
		return reply{}, kigo.Invalid("state must be accepted or declined.")
	}
	o, err := ctrl(c).AnswerOffer(c.ctx(), c.actor, c.param("transfer"), *in.State == kigo.TransferAccepted)
	return ok(serializeTransfer(o)), err
}

func appTransferDelete(c *call) (reply, error) {
	o, err := ctrl(c).WithdrawOffer(c.ctx(), c.actor, c.param("transfer"))
	return ok(serializeTransfer(o)), err
}
