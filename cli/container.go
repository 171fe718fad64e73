package cli

import (
	"github.com/kigo-dev/kigo/client"
)

// containerRelease releases the images that were pushed last for process types. The
// official command looks for the registry at registry.HEROKU_HOST, which is no address when
// HEROKU_HOST has a scheme.
func containerRelease(c *call) error {
	if len(c.args) == 0 {
		return usage(1, "Usage: kigo container:release web [worker ...]\nMust specify at least one process type.")
	}
	images := map[string]*string{}
	for _, typ := range c.args {
		id, err := c.api.PushedImage(c, c.app, typ)
		if client.IsNotFound(err) {
			return usage(1, "Nothing was pushed for %s of %s: docker push HOST:PORT/%s/%s first.", typ, c.app, c.app, typ)
		}
		if err != nil {
			return err
		}
		images[typ] = &id
	}
	return c.releaseImages("Releasing images", images)
}

// containerRemove takes process types away from an app that runs images.
func containerRemove(c *call) error {
	if len(c.args) == 0 {
		return usage(1, "Usage: kigo container:rm web [worker ...]\nMust specify at least one process type.")
	}
	images := map[string]*string{}
	for _, typ := range c.args {
		images[typ] = nil
	}
	return c.releaseImages("Removing containers", images)
}

func (c *call) releaseImages(what string, images map[string]*string) error {
	c.begin("%s of %s", what, c.app)
	if err := c.api.ReleaseImages(c, c.app, images); err != nil {
		return err
	}
	releases, err := c.api.Releases(c, c.app, client.ListOptions{By: "version", Desc: true, Max: 1})
	if err != nil || len(releases) == 0 {
		return err
	}
	c.done("done, v%d", releases[0].Version)
	return c.followRelease(releases[0].ID)
}
