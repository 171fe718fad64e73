package cli

import (
	"fmt"
	"net/url"

	"github.com/spf13/pflag"

	"github.com/kigo-dev/kigo/client"
)

// accounts lists everybody who has an account; operators alone may.
func accounts(c *call) error {
	var all []client.Account
	if err := c.api.Do(c, "GET", "/kigo/accounts", nil, &all); err != nil {
		return err
	}
	if c.is("json") {
		return c.json(all)
	}
	for _, a := range all {
		c.println("%s", a.Email)
	}
	return nil
}

func accountFlags(fs *pflag.FlagSet) {
	fs.String("name", "", "the person's name")
	fs.String("password", "", "for logins by e-mail address; it is seen in your shell's history, so have it changed")
}

// accountCreate makes an account and prints its token, alone on standard output.
func accountCreate(c *call) error {
	body := map[string]string{"email": c.arg(0)}
	for _, name := range []string{"name", "password"} {
		if v, err := c.flags.GetString(name); err == nil && v != "" {
			body[name] = v
		}
	}
	c.begin("Creating account %s", c.arg(0))
	var made client.NewAccount
	err := c.api.Do(c, "POST", "/kigo/accounts", body, &made)
	if err := c.ended(err); err != nil {
		return err
	}
	c.println("%s", made.Token)
	return nil
}

// accountReset prints a token with which somebody sets a new password, alone on standard
// output, unless the server mails it.
func accountReset(c *call) error {
	c.begin("Making a password reset for %s", c.arg(0))
	var made client.LoginReset
	err := c.api.Do(c, "POST", "/kigo/accounts/"+url.PathEscape(c.arg(0))+"/actions/reset", map[string]bool{"two_factor": c.is("two-factor")}, &made)
	if err := c.ended(err); err != nil {
		return err
	}
	if made.Token == "" {
		fmt.Fprintf(c.err, "A letter to %s says how to set a new password.\n", made.User.Email)
		return nil
	}
	c.println("%s", made.Token)
	return nil
}

// accountConfirm gives somebody the address that they asked for.
func accountConfirm(c *call) error {
	c.begin("Confirming the new address of %s", c.arg(0))
	var a client.Account
	err := c.api.Do(c, "POST", "/kigo/accounts/"+url.PathEscape(c.arg(0))+"/actions/confirm-email", nil, &a)
	if err := c.ended(err); err != nil {
		return err
	}
	c.println("%s", a.Email)
	return nil
}
