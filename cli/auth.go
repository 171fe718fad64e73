package cli

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/kigo-dev/kigo/client"
)

func whoami(c *call) error {
	if c.env.fromEnv {
		c.warn("HEROKU_API_KEY is set")
	}
	me, err := c.api.Account(c)
	if err != nil {
		return err
	}
	c.println("%s", me.Email)
	return nil
}

func authToken(c *call) error {
	if c.is("json") {
		return c.json(map[string]string{"token": c.env.token})
	}
	c.println("%s", c.env.token)
	return nil
}

// login asks for the server and a token, or an e-mail address and a password,
// checks them and keeps them for the commands to come.
func login(c *call) error {
	if c.env.fromEnv {
		return usage(2, "Cannot log in with HEROKU_API_KEY set")
	}
	in := bufio.NewReader(c.in)
	env := c.env
	url, err := c.ask(in, "Server", c.str("server"), env.URL)
	if err != nil {
		return err
	}
	kept := credentials{URL: strings.TrimRight(url, "/"), CA: c.str("ca"), Git: c.str("git")}
	if kept.CA == "" && kept.URL == env.URL {
		kept.CA = env.CA
	}
	env.credentials = kept
	if c.is("interactive") {
		kept.Token, kept.Authorization, err = c.tokenByPassword(in, env)
	} else {
		kept.Token, err = c.askSecret(in, "API token")
	}
	if err != nil {
		return err
	}
	env.token = kept.Token
	api, err := env.client()
	if err != nil {
		return err
	}
	me, err := api.Account(c)
	if err != nil {
		return err
	}
	kept.Email = me.Email
	if err := c.env.save(kept); err != nil {
		return err
	}
	c.println("Logged in as %s", me.Email)
	return nil
}

func (c *call) tokenByPassword(in *bufio.Reader, env environment) (token, authorization string, err error) {
	email, err := c.ask(in, "Email", "", c.env.keptFile.Email)
	if err != nil {
		return "", "", err
	}
	password, err := c.askSecret(in, "Password")
	if err != nil {
		return "", "", err
	}
	env.token = ""
	api, err := env.client()
	if err != nil {
		return "", "", err
	}
	host, _ := os.Hostname()
	n := client.NewAuthorization{Description: "kigo login from " + host, Scope: []string{"global"}}
	a, err := api.Login(c, email, password, n)
	var refused *client.Error
	if errors.As(err, &refused) && refused.ID == "two_factor" {
		code, cerr := c.ask(in, "Two-factor code", "", "")
		if cerr != nil {
			return "", "", cerr
		}
		a, err = api.LoginWithCode(c, email, password, code, n)
	}
	if err != nil {
		return "", "", err
	}
	if a.AccessToken == nil {
		return "", "", errors.New("the server gave no token")
	}
	return a.AccessToken.Token, a.ID, nil
}

func (c *call) ask(in *bufio.Reader, what, given, usual string) (string, error) {
	if given != "" {
		return given, nil
	}
	if usual != "" {
		fmt.Fprintf(c.err, "%s [%s]: ", what, usual)
	} else {
		fmt.Fprintf(c.err, "%s: ", what)
	}
	line, err := in.ReadString('\n')
	if line = strings.TrimSpace(line); line == "" {
		line = usual
	}
	if line == "" {
		return "", fmt.Errorf("read %s: %w", strings.ToLower(what), err)
	}
	return line, nil
}

// askSecret reads a line that is not shown on a terminal.
func (c *call) askSecret(in *bufio.Reader, what string) (string, error) {
	fmt.Fprintf(c.err, "%s: ", what)
	if f, ok := c.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		b, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(c.err)
		if err != nil {
			return "", fmt.Errorf("read %s: %w", what, err)
		}
		return strings.TrimSpace(string(b)), nil
	}
	line, err := in.ReadString('\n')
	if line = strings.TrimSpace(line); line == "" {
		return "", fmt.Errorf("read %s: %w", what, err)
	}
	return line, nil
}

// logout forgets the token, and ends it if `login -i` made it: one that was pasted may be in
// use elsewhere.
func logout(c *call) error {
	c.begin("Logging out")
	if err := c.endKept(); err != nil && !client.IsNotFound(err) && !client.IsUnauthorized(err) {
		c.warn("The server could not be told, and the token is still good: %s", strings.TrimSuffix(err.Error(), "."))
	}
	if err := os.Remove(c.env.file); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("remove credentials: %w", err)
	}
	c.done("done")
	return nil
}

func (c *call) endKept() error {
	kept := c.env.keptFile
	if kept.Authorization == "" {
		return nil
	}
	env := c.env
	env.credentials, env.token = kept, kept.Token
	api, err := env.client()
	if err == nil {
		_, err = api.RevokeAuthorization(c, kept.Authorization)
	}
	return err
}
