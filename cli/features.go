package cli

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"

	"github.com/kigo-dev/kigo/client"
)

func featuresList(c *call) error {
	features, err := c.features("/apps/"+url.PathEscape(c.app)+"/features", true)
	if err != nil {
		return err
	}
	if c.is("json") {
		return c.json(features)
	}
	c.header("App Features %s", c.app)
	c.printFeatures(features)
	return nil
}

// features lists features that are for everybody, or the experimental ones.
func (c *call) features(path string, general bool) ([]client.Feature, error) {
	var all []client.Feature
	if err := c.api.Do(c, "GET", path, nil, &all); err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(f client.Feature) bool { return (f.State == "general") != general })
	slices.SortFunc(all, func(a, b client.Feature) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

func (c *call) printFeatures(features []client.Feature) {
	width := 0
	for _, f := range features {
		width = max(width, len(f.Name))
	}
	for _, f := range features {
		mark := "[ ]"
		if f.Enabled {
			mark = "[+]"
		}
		c.println("%s %-*s  %s", mark, width, f.Name, f.Description)
	}
}

func featureInfo(c *call) error {
	f, err := c.api.AppFeature(c, c.app, c.arg(0))
	if err != nil {
		return err
	}
	if c.is("json") {
		return c.json(f)
	}
	c.header("%s", f.Name)
	c.object([]pair{one("Description", f.Description), one("Docs", f.DocURL), one("Enabled", strconv.FormatBool(f.Enabled))})
	return nil
}

func featureEnable(c *call) error  { return c.setFeature("Enabling", "enabled", true) }
func featureDisable(c *call) error { return c.setFeature("Disabling", "disabled", false) }

func (c *call) setFeature(doing, done string, enabled bool) error {
	name := c.arg(0)
	c.begin("%s %s for %s", doing, name, c.app)
	f, err := c.api.AppFeature(c, c.app, name)
	if err != nil {
		return err
	}
	if f.Enabled == enabled {
		return sentence("%s is already %s.", name, done)
	}
	_, err = c.api.SetAppFeature(c, c.app, name, enabled)
	return c.ended(err)
}

func labsList(c *call) error {
	me, err := c.api.Account(c)
	if err != nil {
		return err
	}
	mine, err := c.features("/account/features", false)
	if err != nil {
		return err
	}
	c.header("User Features %s", me.Email)
	c.printFeatures(mine)
	if c.app == "" {
		return nil
	}
	ofApp, err := c.features("/apps/"+url.PathEscape(c.app)+"/features", false)
	if err != nil {
		return err
	}
	c.println("")
	c.header("App Features %s", c.app)
	c.printFeatures(ofApp)
	return nil
}

func labsEnable(c *call) error  { return c.setLab("Enabling", true) }
func labsDisable(c *call) error { return c.setLab("Disabling", false) }

// setLab switches a feature of the account or, where there is none of that
// name, of the app.
func (c *call) setLab(doing string, enabled bool) error {
	name := c.arg(0)
	path := "/account/features/" + url.PathEscape(name)
	target := "your account"
	if err := c.api.Do(c, "GET", path, nil, nil); err != nil {
		if !client.IsNotFound(err) || c.app == "" {
			return err
		}
		path, target = "/apps/"+url.PathEscape(c.app)+"/features/"+url.PathEscape(name), c.app
		if err := c.api.Do(c, "GET", path, nil, nil); err != nil {
			return err
		}
	}
	c.begin("%s %s for %s", doing, name, target)
	return c.ended(c.api.Do(c, "PATCH", path, map[string]bool{"enabled": enabled}, nil))
}

// labsInfo shows a feature of the account or, where there is none of that name, of the app.
func labsInfo(c *call) error {
	f, err := get[client.Feature](c, "account", "features", c.arg(0))
	if client.IsNotFound(err) && c.app != "" {
		f, err = c.api.AppFeature(c, c.app, c.arg(0))
	}
	if err != nil {
		return err
	}
	if c.is("json") {
		return c.json(f)
	}
	c.header("%s", f.Name)
	c.object([]pair{one("Description", f.Description), one("Enabled", strconv.FormatBool(f.Enabled)), one("Docs", f.DocURL)})
	return nil
}
