package cli

import (
	"bufio"

	"github.com/kigo-dev/kigo/client"
)

var loginCommands = []command{
	{name: "email:change", args: "EMAIL", short: "ask for another address of your account", login: true, run: emailChange},
	{name: "email:confirm", args: "TOKEN", short: "confirm your new address, by the token of the letter to it", run: emailConfirm},
	{name: "password:change", short: "change your password", login: true, run: passwordChange},
	{name: "password:forgot", args: "EMAIL", short: "ask for a letter with which to set a new password", run: passwordForgot},
	{name: "password:reset", args: "TOKEN", short: "set a new password, by the token of a letter or of an operator", run: passwordReset},
}

// newPassword asks for a password twice.
func (c *call) newPassword(in *bufio.Reader) (string, error) {
	password, err := c.askSecret(in, "New password")
	if err != nil {
		return "", err
	}
	again, err := c.askSecret(in, "The same again")
	if err == nil && again != password {
		err = sentence("These are two different passwords: nothing was changed.")
	}
	return password, err
}

func passwordChange(c *call) error {
	in := bufio.NewReader(c.in)
	old, err := c.askSecret(in, "Password")
	if err != nil {
		return err
	}
	password, err := c.newPassword(in)
	if err != nil {
		return err
	}
	return c.act("Changing your password", "PATCH", map[string]string{"password": old, "new_password": password}, "account")
}

func passwordForgot(c *call) error {
	return c.act("Asking for a new password of "+c.arg(0), "POST", map[string]string{"email": c.arg(0)}, "password-resets")
}

func passwordReset(c *call) error {
	password, err := c.newPassword(bufio.NewReader(c.in))
	if err != nil {
		return err
	}
	body := map[string]string{"password": password, "password_confirmation": password}
	err = c.act("Setting a new password", "POST", body, "password-resets", c.arg(0), "actions", "finalize")
	if err == nil {
		c.println("Log in with it: kigo login -i")
	}
	return err
}

func emailChange(c *call) error {
	password, err := c.askSecret(bufio.NewReader(c.in), "Password")
	if err != nil {
		return err
	}
	return c.act("Asking for the address "+c.arg(0), "PATCH", map[string]string{"email": c.arg(0), "password": password}, "account")
}

func emailConfirm(c *call) error {
	c.begin("Confirming your address")
	var u client.UserRef
	if err := c.ended(c.send("POST", nil, &u, "kigo", "email-confirmations", c.arg(0))); err != nil {
		return err
	}
	c.println("Your address is %s", u.Email)
	return nil
}

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
