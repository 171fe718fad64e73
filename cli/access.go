package cli

import (
	"cmp"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/kigo-dev/kigo/client"
)

// accessList shows who may do what with an app.
func accessList(c *call) error {
	all, err := c.api.Collaborators(c, c.app)
	if err != nil {
		return err
	}
	if c.is("json") {
		return c.json(all)
	}
	slices.SortFunc(all, func(a, b client.Collaborator) int { return cmp.Compare(a.User.Email, b.User.Email) })
	width := 0
	for _, p := range all {
		width = max(width, len(p.User.Email))
	}
	for _, p := range all {
		var may []string
		for _, m := range p.Permissions {
			may = append(may, m.Name)
		}
		c.println("%-*s  %s", width, p.User.Email, strings.Join(may, ", "))
	}
	return nil
}

func (c *call) collaborator(email string) string {
	return "/apps/" + url.PathEscape(c.app) + "/collaborators/" + url.PathEscape(email)
}

func accessAdd(c *call) error {
	body := map[string]any{"user": c.arg(0)}
	c.begin("Adding %s access to the app %s", c.arg(0), c.app)
	if p := c.str("permissions"); p != "" {
		body["permissions"] = strings.Split(p, ",")
	}
	return c.ended(c.api.Do(c, "POST", "/apps/"+url.PathEscape(c.app)+"/collaborators", body, nil))
}

func accessRemove(c *call) error {
	c.begin("Removing %s access from the app %s", c.arg(0), c.app)
	return c.ended(c.api.Do(c, "DELETE", c.collaborator(c.arg(0)), nil, nil))
}

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

func domainAdd(c *call) error {
	body := map[string]any{"hostname": c.arg(0), "sni_endpoint": nil}
	if cert := c.str("cert"); cert != "" {
		body["sni_endpoint"] = cert
	}
	c.begin("Adding %s to %s", c.arg(0), c.app)
	var d client.Domain
	err := c.ended(c.api.Do(c, "POST", "/apps/"+url.PathEscape(c.app)+"/domains", body, &d))
	if err != nil {
		return err
	}
	if c.is("json") {
		return c.json(d)
	}
	target := ""
	if d.CNAME != nil {
		target = *d.CNAME
	}
	c.println("Configure your app's DNS provider to point to the DNS Target %s.", target)
	return nil
}

func domainRemove(c *call) error {
	c.begin("Removing %s from %s", c.arg(0), c.app)
	return c.ended(c.api.Do(c, "DELETE", "/apps/"+url.PathEscape(c.app)+"/domains/"+url.PathEscape(c.arg(0)), nil, nil))
}
