package cli

import (
	"io"
	"os"
	"strings"
	"time"

	"github.com/kigo-dev/kigo/client"
)

// setUp makes an app of a source with an app.json and follows it to its end.
func setUp(c *call) error {
	given, err := c.givenEnv()
	if err != nil {
		return err
	}
	source, err := c.setupSource()
	if err != nil {
		return err
	}
	s, err := c.api.CreateAppSetup(c, client.NewAppSetup{
		App: &client.NewSetupApp{Name: c.str("name"), Stack: c.str("stack")}, SourceBlob: source, Overrides: client.SetupOverrides{Env: given},
	})
	if err != nil {
		return err
	}
	c.println("Setting up %s...", s.App.Name)
	for followed := false; s.Status == "pending"; {
		if s.Build != nil && !followed {
			followed = true
			if err := c.follow(s.Build.OutputStreamURL); err != nil {
				return err
			}
			c.println("Waiting for the release...")
		}
		if err := pause(c, 200*time.Millisecond); err != nil {
			return err
		}
		if s, err = c.api.AppSetup(c, s.ID); err != nil {
			return err
		}
	}
	if s.Postdeploy != nil {
		c.println("Postdeploy script:")
		c.println("%s", strings.TrimRight(s.Postdeploy.Output, "\n"))
	}
	if s.Status != "succeeded" {
		lines := ""
		for _, e := range s.ManifestErrors {
			lines += "\n    " + e
		}
		why := ""
		if s.FailureMessage != nil {
			why = *s.FailureMessage
		}
		return usage(1, "The set-up of %s failed: %s%s\nRemove what is there with: kigo apps:destroy %s", s.App.Name, why, lines, s.App.Name)
	}
	if s.ResolvedSuccessURL != nil {
		c.println("%s is ready: %s", s.App.Name, *s.ResolvedSuccessURL)
	}
	return nil
}

func (c *call) givenEnv() (map[string]string, error) {
	pairs, _ := c.flags.GetStringArray("env")
	env := map[string]string{}
	for _, p := range pairs {
		name, value, ok := strings.Cut(p, "=")
		if !ok {
			return nil, usage(1, "%s is invalid. Must be in the format FOO=bar.", p)
		}
		env[name] = value
	}
	return env, nil
}

func (c *call) setupSource() (client.NewSourceBlob, error) {
	dir := c.arg(0)
	if strings.HasPrefix(dir, "https://") || strings.HasPrefix(dir, "http://") {
		return client.NewSourceBlob{URL: dir}, nil
	}
	if dir == "" {
		dir = "."
	}
	if st, err := os.Stat(dir); err != nil || !st.IsDir() {
		return client.NewSourceBlob{}, usage(2, "%s is neither a folder nor a URL.", dir)
	}
	names, err := c.sourceFiles(dir)
	if err != nil {
		return client.NewSourceBlob{}, err
	}
	return c.uploadSource(func(w io.Writer) error { return writeSource(w, dir, names) })
}
