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

func twoFactorShow(c *call) error {
	me, err := c.api.Account(c)
	if err != nil {
		return err
	}
	state := "not enabled"
	if me.TwoFactorAuthentication {
		state = "enabled"
	}
	c.println("Two-factor authentication is %s", state)
	return nil
}
