package cli

import (
	"bufio"

	"github.com/kigo-dev/kigo/client"
)

// twoFactorEnable shows a secret for an app that makes codes, and asks for one of them.
func twoFactorEnable(c *call) error {
	in := bufio.NewReader(c.in)
	password, err := c.askSecret(in, "Password")
	if err != nil {
		return err
	}
	var made, done client.TwoFactor
	if err := c.api.Do(c, "POST", "/kigo/two-factor", map[string]string{"password": password}, &made); err != nil {
		return err
	}
	c.println("Give this secret to your authenticator app, as text or as a QR code of the address:\n")
	c.println("  %s\n  %s\n", made.Secret, made.URL)
	code, err := c.ask(in, "Code that it shows", "", "")
	if err != nil {
		return err
	}
	if err := c.api.Do(c, "POST", "/kigo/two-factor/actions/enable", map[string]string{"code": code}, &done); err != nil {
		return err
	}
	c.println("From now on each login asks for a code. Keep these recovery codes, each counts once:\n")
	for _, r := range done.RecoveryCodes {
		c.println("  %s", r)
	}
	return nil
}

func twoFactorDisable(c *call) error {
	in := bufio.NewReader(c.in)
	password, err := c.askSecret(in, "Password")
	if err != nil {
		return err
	}
	code, err := c.ask(in, "Two-factor code", "", "")
	if err != nil {
		return err
	}
	err = c.api.Do(c, "POST", "/kigo/two-factor/actions/disable", map[string]string{"password": password, "code": code}, nil)
	if err == nil {
		c.println("Logins ask for the password alone.")
	}
	return err
}

func teamCreate(c *call) error {
	c.begin("Creating team %s", c.arg(0))
	return c.ended(c.api.Do(c, "POST", "/teams", map[string]string{"name": c.arg(0)}, nil))
}

func (c *call) invited() (all []client.TeamInvitation, err error) {
	err = c.api.Do(c, "GET", "/kigo/invitations", nil, &all)
	return all, err
}

// invitations lists what one is invited to.
func invitations(c *call) error {
	all, err := c.invited()
	if err != nil {
		return err
	}
	if c.is("json") {
		return c.json(all)
	}
	if len(all) == 0 {
		c.println("You are invited to no team.")
	}
	for _, i := range all {
		role := "viewer"
		if i.Role != nil {
			role = *i.Role
		}
		c.println("%s as %s, by %s", i.Team.Name, role, i.InvitedBy.Email)
	}
	return nil
}

// invitationAccept joins a team, by the team's name or the invitation's id.
func invitationAccept(c *call) error {
	all, err := c.invited()
	if err != nil {
		return err
	}
	for _, i := range all {
		if c.arg(0) == i.Team.Name || c.arg(0) == i.ID {
			c.begin("Joining %s", i.Team.Name)
			return c.ended(c.api.Do(c, "POST", "/teams/invitations/"+i.ID+"/accept", nil, nil))
		}
	}
	return sentence("You are not invited to %s: ask one of its admins.", c.arg(0))
}
