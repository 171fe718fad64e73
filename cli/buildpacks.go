package cli

import (
	"slices"
	"strings"

	"github.com/kigo-dev/kigo/client"
)

func buildpacksList(c *call) error {
	packs, err := c.buildpacks()
	switch {
	case err != nil:
		return err
	case c.is("json"):
		return c.json(packs)
	case len(packs) == 0:
		c.println("%s has no Buildpacks.", c.app)
		return nil
	case len(packs) == 1:
		c.header("%s Classic Buildpack (from the Heroku Buildpack Registry)", c.app)
	default:
		c.header("%s Classic Buildpacks (from the Heroku Buildpack Registry)", c.app)
	}
	c.listBuildpacks(packs, "")
	return nil
}

// buildpacks reads the app's buildpacks, those of the registry by name.
func (c *call) buildpacks() ([]client.BuildpackInstallation, error) {
	packs, err := c.api.BuildpackInstallations(c, c.app)
	return named(packs), err
}

func named(packs []client.BuildpackInstallation) []client.BuildpackInstallation {
	for i := range packs {
		packs[i].Buildpack.URL = strings.TrimPrefix(packs[i].Buildpack.URL, "urn:buildpack:")
	}
	return packs
}

func (c *call) listBuildpacks(packs []client.BuildpackInstallation, indent string) {
	if len(packs) == 1 {
		c.println("%s", packs[0].Buildpack.URL)
		return
	}
	for i, p := range packs {
		c.println("%s%d. %s", indent, i+1, p.Buildpack.URL)
	}
}

func buildpacksAdd(c *call) error { return c.putBuildpack("added", 0) }

func buildpacksSet(c *call) error { return c.putBuildpack("set", 1) }

// putBuildpack puts a buildpack at --index in place of so many others; without
// it an added one goes to the end and a set one replaces the first.
func (c *call) putBuildpack(done string, replace int) error {
	index, err := c.number("index")
	if err != nil {
		return err
	}
	if index < 0 || c.changed("index") && index == 0 {
		return usage(1, "Invalid index. Must be greater than 0.")
	}
	packs, err := c.buildpacks()
	if err != nil {
		return err
	}
	pack := c.arg(0)
	urls := urlsOf(packs)
	if slices.Contains(urls, pack) {
		return usage(1, "The buildpack %s is already set on your app.", pack)
	}
	at := len(urls)
	switch {
	case index > 0 && index <= len(urls):
		at = index - 1
	case index == 0 && replace > 0:
		at = 0
	}
	urls = slices.Replace(urls, at, min(at+replace, len(urls)), pack)
	return c.setBuildpacks(urls, done)
}

func urlsOf(packs []client.BuildpackInstallation) []string {
	urls := make([]string, len(packs))
	for i, p := range packs {
		urls[i] = p.Buildpack.URL
	}
	return urls
}

func (c *call) setBuildpacks(urls []string, done string) error {
	packs, err := c.api.SetBuildpacks(c, c.app, urls)
	if err != nil {
		return err
	}
	packs = named(packs)
	if c.is("json") {
		return c.json(packs)
	}
	if len(packs) == 1 {
		c.println("Buildpack %s. Next release on %s will use %s.", done, c.app, packs[0].Buildpack.URL)
		c.println("Run git push heroku main to create a new release using this buildpack.")
		return nil
	}
	c.println("Buildpack %s. Next release on %s will use:", done, c.app)
	c.listBuildpacks(packs, "  ")
	c.println("Run git push heroku main to create a new release using these buildpacks.")
	return nil
}

func buildpacksRemove(c *call) error {
	index, err := c.number("index")
	if err != nil {
		return err
	}
	pack := c.arg(0)
	switch {
	case index != 0 && pack != "":
		return usage(1, "Please choose either index or Buildpack, but not both.")
	case index == 0 && pack == "":
		return usage(2, "Usage: kigo buildpacks:remove [BUILDPACK_URL]. Must specify a buildpack to remove, either by index or URL.")
	}
	packs, err := c.buildpacks()
	if err != nil {
		return err
	}
	urls := urlsOf(packs)
	at := slices.Index(urls, pack)
	switch {
	case len(urls) == 0:
		return usage(1, "No buildpacks were found. Next release on %s will detect buildpack normally.", c.app)
	case (index < 0 || index > len(urls)) && len(urls) == 1:
		return usage(1, "Invalid index. Only valid value is 1.")
	case index < 0 || index > len(urls):
		return usage(1, "Invalid index. Please choose a value between 1 and %d", len(urls))
	case index > 0:
		at = index - 1
	}
	if at < 0 {
		return usage(1, "Buildpack not found. Nothing was removed.")
	}
	if len(urls) == 1 {
		return c.clearBuildpacks("Buildpack removed.")
	}
	return c.setBuildpacks(slices.Delete(urls, at, at+1), "removed")
}

func buildpacksClear(c *call) error { return c.clearBuildpacks("Buildpacks cleared.") }

func (c *call) clearBuildpacks(message string) error {
	if _, err := c.api.SetBuildpacks(c, c.app, []string{}); err != nil {
		return err
	}
	if c.is("json") {
		return c.json([]string{})
	}
	vars, err := c.api.ConfigVars(c, c.app)
	if err != nil {
		return err
	}
	for _, name := range []string{"BUILDPACK_URL", "LANGUAGE_PACK_URL"} {
		if vars[name] != "" {
			c.println("%s", message)
			c.warn("The %s config var is still set and will be used for the next release", name)
			return nil
		}
	}
	c.println("%s Next release on %s will detect buildpacks normally.", message, c.app)
	return nil
}
