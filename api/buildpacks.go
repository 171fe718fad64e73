package api

import (
	"encoding/base64"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/buildpack"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/store"
)

const urn = "urn:buildpack:"

func serializeBuildpack(urlOrName string) client.Buildpack {
	if name, isURN := strings.CutPrefix(urlOrName, urn); isURN || !strings.Contains(urlOrName, "://") {
		return client.Buildpack{Name: name, URL: urn + name}
	}
	return client.Buildpack{Name: urlOrName, URL: urlOrName}
}

// serializeResolved names a git repository's commit, as one would to have just it.
func serializeResolved(p kigo.Buildpack) client.Buildpack {
	out := serializeBuildpack(p.Name)
	if base, _, _ := strings.Cut(out.URL, "#"); commit.MatchString(p.Pin) && strings.Contains(base, "://") {
		out.URL = base + "#" + p.Pin
	}
	return out
}

var commit = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)

func serializeInstallations(all []kigo.BuildpackInstallation) []client.BuildpackInstallation {
	out := make([]client.BuildpackInstallation, len(all))
	for i, b := range all {
		out[i] = client.BuildpackInstallation{Ordinal: b.Ordinal, Buildpack: client.Buildpack{Name: b.Name, URL: b.URL}}
	}
	return out
}

// buildpackInstallationList gives all at once, in order: Heroku's has no ranges.
func buildpackInstallationList(c *call) (reply, error) {
	var all []kigo.BuildpackInstallation
	err := c.view(func(tx *store.Tx) (err error) {
		all, err = tx.BuildpackInstallations(c.app.ID)
		return err
	})
	return ok(serializeInstallations(all)), err
}

func buildpackInstallationUpdate(c *call) (reply, error) {
	var in struct {
		Updates *[]struct {
			Buildpack *ident `json:"buildpack"`
		} `json:"updates"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if in.Updates == nil {
		return reply{}, kigo.Invalid("updates is required: an array of objects with a buildpack each; the empty array removes all.")
	}
	names := []string{}
	for i, u := range *in.Updates {
		if u.Buildpack.String() == "" {
			return reply{}, kigo.Invalid("updates[%d].buildpack is missing: give the URL of a buildpack, or a name that this server has (%s). The command line leaves out a name that is none of them.", i, buildpack.Known())
		}
		names = append(names, u.Buildpack.String())
	}
	all, err := ctrl(c).SetBuildpacks(c.ctx(), c.actor, c.app.ID, names)
	return ok(serializeInstallations(all)), err
}

// The buildpack registry, which HEROKU_BUILDPACK_REGISTRY_URL points at: it knows
// the built-in buildpacks. Its shapes are those that the command line reads.

var descriptions = map[string]string{
	"go":       "Go with modules",
	"nodejs":   "Node.js with npm, yarn or pnpm",
	"static":   "A folder of files, served by a small web server",
	"procfile": "An app that is ready to run: nothing but its Procfile",
}

func registry() []client.RegistryBuildpack {
	out := make([]client.RegistryBuildpack, len(buildpack.Builtins))
	for i, name := range buildpack.Builtins {
		out[i] = client.RegistryBuildpack{
			BlobURL: urn + "heroku/" + name, Category: "languages", Description: descriptions[name],
			ID: fixedID("buildpack", name), Name: name, Namespace: "heroku",
			Source:  client.RegistrySource{Owner: "kigo-dev", Repo: "kigo", Type: "builtin"},
			Support: client.RegistryHelp{Address: "Built into this server", Method: "website"},
		}
	}
	return out
}

func buildpackSearch(c *call) (reply, error) {
	q := c.r.URL.Query()
	return ok(slices.DeleteFunc(registry(), func(e client.RegistryBuildpack) bool {
		return !wants(q, "in[namespace][]", e.Namespace) || !wants(q, "in[name][]", e.Name) ||
			!strings.Contains(strings.ToLower(e.Description), strings.ToLower(q.Get("like[description]")))
	})), nil
}

func wants(q url.Values, field, value string) bool {
	return len(q[field]) == 0 || slices.Contains(q[field], value)
}

// registryEntry finds {buildpack} of the path.
func (c *call) registryEntry() (client.RegistryBuildpack, error) {
	for _, e := range registry() {
		if c.param("buildpack") == e.Namespace+"/"+e.Name {
			return e, nil
		}
	}
	return client.RegistryBuildpack{}, kigo.NotFound("buildpack")
}

func buildpackInfo(c *call) (reply, error) {
	e, err := c.registryEntry()
	return ok(e), err
}

func buildpackRevisions(c *call) (reply, error) {
	e, err := c.registryEntry()
	return ok([]map[string]any{{
		"id": fixedID("buildpack-revision", e.Name), "release": 1, "status": "published", "license": "Apache-2.0",
		"created_at": epoch, "updated_at": epoch, "published_at": epoch,
	}}), err
}

func buildpackReadme(c *call) (reply, error) {
	e, err := c.registryEntry()
	return ok(map[string]string{
		"content":  base64.StdEncoding.EncodeToString([]byte("heroku/" + e.Name + " is built into this server. " + e.Description + ".\n")),
		"encoding": "base64",
	}), err
}
