package cli

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/kigo-dev/kigo/client"
)

var registryCommands = []command{
	{name: "buildpacks:info", args: "BUILDPACK", short: "show a buildpack of the registry", run: packInfo, flags: jsonFlag},
	{name: "buildpacks:search", args: "[TERM]", short: "list buildpacks of the registry", run: packSearch, flags: func(fs *pflag.FlagSet) {
		fs.String("description", "", "text in the description")
		fs.String("name", "", "names, divided by commas")
		fs.String("namespace", "", "namespaces, divided by commas")
		fs.Bool("json", false, "print JSON")
	}},
	{name: "buildpacks:versions", args: "BUILDPACK", short: "list the versions of a buildpack of the registry", login: true, run: packVersions, flags: jsonFlag},
}

var packForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*/[a-z0-9][a-z0-9_-]*$`)

// pack reads something of a buildpack of the registry.
func pack[T any](c *call, rest ...string) (out T, err error) {
	name := c.arg(0)
	if !packForm.MatchString(name) {
		return out, usage(2, "Could not find the buildpack.\n%s is not of the form namespace/name, such as heroku/nodejs", name)
	}
	out, err = get[T](c, append([]string{"buildpacks", name}, rest...)...)
	if client.IsNotFound(err) {
		err = usage(2, "Could not find the buildpack '%s'", name)
	}
	return out, err
}

func packInfo(c *call) error {
	p, err := pack[client.RegistryBuildpack](c)
	if err != nil {
		return err
	}
	versions, err := pack[[]client.RegistryVersion](c, "revisions")
	if err != nil {
		return err
	}
	var readme struct {
		Content string `json:"content"`
	}
	if readme, err = pack[struct {
		Content string `json:"content"`
	}](c, "readme"); err != nil {
		return err
	}
	text, err := base64.StdEncoding.DecodeString(readme.Content)
	if err != nil {
		return sentence("The readme of %s cannot be read: %v", c.arg(0), err)
	}
	license := ""
	if len(versions) > 0 {
		license = versions[0].License
	}
	source := ""
	if p.Source.Type == "github" {
		source = "https://github.com/" + p.Source.Owner + "/" + p.Source.Repo
	}
	if c.is("json") {
		return c.json(map[string]string{
			"description": p.Description, "category": p.Category, "license": license, "support": p.Support.Address, "source": source, "readme": string(text),
		})
	}
	c.header("%s", c.arg(0))
	pairs := []pair{one("description", p.Description), one("category", p.Category), one("license", license), one("support", p.Support.Address)}
	if source != "" {
		pairs = append(pairs, one("source", source))
	}
	c.object(append(pairs, one("readme", "\n\n"+strings.TrimSuffix(string(text), "\n"))))
	return nil
}

func packSearch(c *call) error {
	q := url.Values{}
	for _, f := range []string{"namespace", "name"} {
		if v := c.str(f); v != "" {
			q["in["+f+"][]"] = strings.Split(v, ",")
		}
	}
	if d := c.str("description"); d != "" {
		q.Set("like[description]", d)
	}
	list, err := client.All[client.RegistryBuildpack](c, c.api, "/buildpacks?"+q.Encode())
	if err != nil {
		return err
	}
	if term := c.arg(0); term != "" {
		list = slices.DeleteFunc(list, func(p client.RegistryBuildpack) bool {
			return p.Namespace != term && p.Name != term && !strings.Contains(strings.ToLower(p.Description), strings.ToLower(term))
		})
	}
	switch {
	case c.is("json"):
		return c.json(list)
	case len(list) == 0:
		c.println("No buildpacks found")
		return nil
	}
	rows := make([][]string, len(list))
	for i, p := range list {
		rows[i] = []string{p.Namespace + "/" + p.Name, p.Category, p.Description}
	}
	c.table([]string{"Buildpack", "Category", "Description"}, rows)
	plural := "s"
	if len(list) == 1 {
		plural = ""
	}
	c.println("\n%d buildpack%s found", len(list), plural)
	return nil
}

func packVersions(c *call) error {
	list, err := pack[[]client.RegistryVersion](c, "revisions")
	if err != nil {
		return err
	}
	slices.SortFunc(list, func(a, b client.RegistryVersion) int { return cmp.Compare(b.Release, a.Release) })
	if c.is("json") {
		return c.json(list)
	}
	rows := make([][]string, len(list))
	for i, v := range list {
		rows[i] = []string{fmt.Sprint(v.Release), v.CreatedAt.UTC().Format(time.RFC3339), v.Status}
	}
	c.table([]string{"Version", "Released At", "Status"}, rows)
	return nil
}
