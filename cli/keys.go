package cli

import (
	"net/url"
	"os"
	"strings"
)

// sshKey is one of the account's keys.
type sshKey struct {
	ID        string `json:"id"`
	Email     string `json:"email"`
	PublicKey string `json:"public_key"`
	Comment   string `json:"comment"`
}

func keysList(c *call) error {
	var all []sshKey
	if err := c.api.Do(c, "GET", "/account/keys", nil, &all); err != nil {
		return err
	}
	if c.is("json") {
		return c.json(all)
	}
	if len(all) == 0 {
		c.warn("You have no SSH keys.")
		return nil
	}
	c.header("%s keys", all[0].Email)
	for _, k := range all {
		c.println("%s", shortKey(k.PublicKey, c.is("long")))
	}
	return nil
}

// shortKey leaves out the middle of a key, as the official command line does.
func shortKey(key string, whole bool) string {
	words := strings.Fields(key)
	if whole || len(words) < 2 || len(words[1]) < 20 {
		return key
	}
	words[1] = words[1][:10] + "..." + words[1][len(words[1])-10:]
	return strings.Join(words, " ")
}

func keysAdd(c *call) error {
	text, err := os.ReadFile(c.arg(0))
	if err != nil {
		return sentence("Cannot read %s: name the file of a public key, such as ~/.ssh/id_ed25519.pub", c.arg(0))
	}
	c.begin("Uploading %s SSH key", c.arg(0))
	return c.ended(c.api.Do(c, "POST", "/account/keys", map[string]string{"public_key": strings.TrimSpace(string(text))}, nil))
}

// keysRemove removes the key that has the given text in it, such as its comment.
func keysRemove(c *call) error {
	var all []sshKey
	if err := c.api.Do(c, "GET", "/account/keys", nil, &all); err != nil {
		return err
	}
	var meant []sshKey
	for _, k := range all {
		if k.ID == c.arg(0) || strings.Contains(k.PublicKey, c.arg(0)) {
			meant = append(meant, k)
		}
	}
	switch len(meant) {
	case 0:
		return sentence("SSH Key %s not found.", c.arg(0))
	case 1:
	default:
		return sentence("%d keys have %s in them: say more of the one that you mean.", len(meant), c.arg(0))
	}
	c.begin("Removing %s SSH key", c.arg(0))
	return c.ended(c.api.Do(c, "DELETE", "/account/keys/"+url.PathEscape(meant[0].ID), nil, nil))
}

func keysClear(c *call) error {
	c.begin("Removing all SSH keys")
	mine, err := all[sshKey](c, "account", "keys")
	for _, k := range mine {
		if err == nil {
			err = c.send("DELETE", nil, nil, "account", "keys", k.ID)
		}
	}
	return c.ended(err)
}
