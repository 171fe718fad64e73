package api

import "github.com/kigo-dev/kigo"

// What this server does not provide yet. Lists of it are empty, which is true;
// asking for one more is a clear error.

func addonCreate(c *call) (reply, error) {
	var in struct {
		Plan *ident `json:"plan"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if in.Plan.String() == "" {
		return reply{}, kigo.Invalid("plan is required: the name of an add-on's plan.")
	}
	return reply{}, kigo.Invalid("Couldn't find either the add-on service or the add-on plan of %q: this server has no add-on providers. "+
		"Run the service elsewhere and give the app its address by a config var.", in.Plan.String())
}

func addonMissing(*call) (reply, error) { return reply{}, kigo.NotFound("add-on") }

func spaceMissing(*call) (reply, error) { return reply{}, kigo.NotFound("space") }
